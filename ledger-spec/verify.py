#!/usr/bin/env python3
"""Verifies a git-ledger from its bytes: the second, independent reading of this specification.

Needs Python 3.9, git and ssh-keygen, nothing else; shares no code with git-ledger. It changes no
repository, follows the `parent` bytes itself, hashes every object again, and asks ssh-keygen only
whether a signature that is already known to be canonical fits its bytes.

    verify.py [--fingerprint HEX] REPOSITORY [FULL-REF]     FULL-REF is refs/heads/ledger unless given
    verify.py --vector FILE...                              holds each verdict against the file's `expect`
    verify.py --vector-judge FILE                           prints the finding ids, sorted, or `sound`

Exit code: 0 sound, 1 breach (or a vector differs), 2 unknown, 128 could not run, 129 usage.
"""
import base64, hashlib, json, os, re, shutil, subprocess, sys, tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from types import SimpleNamespace as Record

UNKNOWN = {"attachmentUnreadable", "specUnsupported", "compromisedEntry", "shallow"}
NOTE = {"eventRepeated", "eventConflict", "replaceRefs", "grafts", "alternates"}
CREATED, CHANGED = "dev.git-ledger.ledger.created", "dev.git-ledger.policy.changed"
AUDITED = {"dev.git-ledger.review", "dev.git-ledger.tamper.found", "dev.git-ledger.checkpoint"}
PRINCIPAL, MAX_INT, MIB = r"[a-z0-9](?:[a-z0-9._+@:/-]{0,62}[a-z0-9])?", 2**53 - 1, 1 << 20
FORMS = {"sha1": (rb"[0-9a-f]{40}", b"gpgsig"), "sha256": (rb"[0-9a-f]{64}", b"gpgsig-sha256")}
WORK = tempfile.TemporaryDirectory(prefix="ledger-verify-")
GIT, KEYGEN = shutil.which("git"), shutil.which("ssh-keygen")
ENV = {"PATH": os.environ.get("PATH", ""), "HOME": WORK.name, "LC_ALL": "C", "GIT_CONFIG_NOSYSTEM": "1",
       "GIT_CONFIG_GLOBAL": os.devnull, "GIT_NO_REPLACE_OBJECTS": "1", "GIT_NO_LAZY_FETCH": "1",
       "GIT_TERMINAL_PROMPT": "0", "GIT_GRAFT_FILE": os.devnull}
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "README.tree-1.md"), "rb") as readme:
    README = readme.read()

class Fault(Exception):
    """One broken rule: (finding id, detail)."""

def need(holds, finding, detail=""):
    if not holds:
        raise Fault(finding, detail)

def sha256(data):
    return hashlib.sha256(data).digest()

def unbase64(text, finding):
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        raise Fault(finding, "not base64") from None
    need(base64.b64encode(data) == text, finding, "base64 in another spelling")
    return data

# ---- keys and signatures: policy.md, "Keys"; entry.md, "Signature" ----
P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
CURVES = {  # bytes, p, b, n
    "nistp256": (32, 2**256 - 2**224 + 2**192 + 2**96 - 1,
                 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
                 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551),
    "nistp384": (48, 2**384 - 2**128 - 2**96 + 2**32 - 1,
                 0xB3312FA7E23EE7E4988E056BE3F82D19181D9C6EFE8141120314088F5013875AC656398D8A2ED19D2A85C8EDD3EC2AEF,
                 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973)}
FAMILY = {"ssh-ed25519": "ed", "sk-ssh-ed25519@openssh.com": "ed", "ssh-rsa": "rsa", "ecdsa-sha2-nistp256": "nistp256",
          "ecdsa-sha2-nistp384": "nistp384", "sk-ecdsa-sha2-nistp256@openssh.com": "nistp256"}

def field(data, finding):
    end = 4 + int.from_bytes(data[:4], "big")
    need(4 <= end <= len(data), finding, "a field is cut short")
    return data[4:end], data[end:]

def mpint(data, finding):
    raw, rest = field(data, finding)
    number = int.from_bytes(raw, "big")
    need(number and raw == number.to_bytes(number.bit_length() // 8 + 1, "big"), finding, "an mpint not positive and minimal")
    return number, rest

@lru_cache(None)
def key(blob, bad="signatureKey"):
    """(type, family, modulus) of a public key that may sign."""
    kind, rest = field(blob, bad)
    kind, modulus = kind.decode("latin-1"), 0
    family = FAMILY.get(kind)
    need(family, bad, "a type that may not sign")
    if family == "rsa":
        exponent, rest = mpint(rest, bad)
        modulus, rest = mpint(rest, bad)
        need(exponent == 65537 and 3072 <= modulus.bit_length() <= 8192 and modulus % 2, bad, "exponent or size")
    elif family == "ed":
        point, rest = field(rest, bad)
        y, sign, d = int.from_bytes(point, "little") % 2**255, point[-1:] >= b"\x80", -121665 * pow(121666, -1, P) % P
        square = (y * y - 1) * pow(d * y * y + 1, -1, P) % P
        x = pow(square, (P + 3) // 8, P)
        x = x if x * x % P == square else x * pow(2, (P - 1) // 4, P) % P
        need(len(point) == 32 and y < P and x * x % P == square and (x or not sign), bad, "not a canonical point")
        for _ in range(3):  # 8 times the point; the sign of x does not matter
            k = d * x * x * y * y
            x, y = 2 * x * y * pow(1 + k, -1, P) % P, (y * y + x * x) * pow(1 - k, -1, P) % P
        need((x, y) != (0, 1), bad, "a point of small order")
    else:
        size, p, b, _ = CURVES[family]
        curve, rest = field(rest, bad)
        point, rest = field(rest, bad)
        x, y = int.from_bytes(point[1:1 + size], "big"), int.from_bytes(point[1 + size:], "big")
        need(curve == family.encode() and len(point) == 1 + 2 * size and point[0] == 4 and x < p and y < p
             and (y * y - x * x * x + 3 * x - b) % p == 0, bad, "not a point of the curve")
    if kind.startswith("sk-"):
        application, rest = field(rest, bad)
        need(re.fullmatch(rb"[ -~]{1,255}", application), bad, "application")
    need(not rest, bad, "bytes after the key")
    return kind, family, modulus

def key_text(text):
    kind, _, encoded = text.partition(" ")
    blob = unbase64(encoded.encode("latin-1", "replace"), "policyKey")
    need(key(blob, "policyKey")[0] == kind, "policyKey", "named another type than it is")
    return blob

def signature(blob, bad, bad_key):
    """(key blob, namespace) of an SSHSIG in its one spelling."""
    need(blob[:10] == b"SSHSIG\0\0\0\1", bad, "not SSHSIG version 1")
    public, rest = field(blob[10:], bad)
    namespace, rest = field(rest, bad)
    need(rest[:14] == b"\0\0\0\0\0\0\0\6sha512", bad, "reserved field or hash")
    inner, rest = field(rest[14:], bad)
    need(not rest, bad, "bytes at the end")
    kind, family, modulus = key(public, bad_key)
    need(re.fullmatch(rb"[ -~]{1,255}", namespace), bad, "namespace")
    algorithm, inner = field(inner, bad)
    value, tail = field(inner, bad)
    need(algorithm == (b"rsa-sha2-512" if family == "rsa" else kind.encode()), bad, "algorithm")
    if family == "ed":
        need(len(value) == 64 and int.from_bytes(value[32:], "little") < L, bad, "S is not below L")
    elif family == "rsa":
        need(len(value) == (modulus.bit_length() + 7) // 8, bad, "not as long as the modulus")
    else:
        r, value = mpint(value, bad)
        s, value = mpint(value, bad)
        need(r < CURVES[family][3] and s <= CURVES[family][3] // 2 and not value, bad, "r, or s is not the low one")
    need(len(tail) == 5 and tail[0] in (1, 5) if kind.startswith("sk-") else not tail, bad, "flags or spare bytes")
    return public, namespace

def armour(blob):
    text = base64.b64encode(blob)
    lines = [text[at:at + 70] for at in range(0, len(text), 70)]
    return b"\n".join([b"-----BEGIN SSH SIGNATURE-----", *lines, b"-----END SSH SIGNATURE-----", b""])

@lru_cache(None)
def fits(public, namespace, blob, message):
    """Whether ssh-keygen says that this key made this signature over this message."""
    folder = tempfile.mkdtemp(dir=WORK.name)
    allowed, made = os.path.join(folder, "allowed"), os.path.join(folder, "signature")
    line = b'x namespaces="%s" %s %s\n' % (namespace, key(public)[0].encode(), base64.b64encode(public))
    for name, content in ((allowed, line), (made, armour(blob))):
        with open(name, "wb") as file:
            file.write(content)
    command = [KEYGEN, "-Y", "verify", "-f", allowed, "-I", "x", "-n", namespace.decode(), "-s", made]
    return subprocess.run(command, input=message, env=ENV, capture_output=True).returncode == 0

# ---- policy.md ----
def matches(pattern):
    return lambda value: type(value) is str and re.fullmatch(pattern, value)

def integer(least):
    return lambda value: type(value) is int and least <= value <= MAX_INT

def several(item, unique=True):
    return lambda value: (type(value) is list and value and all(map(item, value))
                          and (not unique or len(set(value)) == len(value)))

def roles(value):
    return several(matches("writer|admin|auditor"))(value) and value == sorted(value, key="writer admin auditor".index)

TEXT = r"[ !#-\[\]-~]{1,%d}"
TABLES = {  # every key a table may have, in order; those after None may be absent
    "": {"spec": integer(1), "id": matches("[0-9a-f]{32}"), "name": matches(TEXT % 100)},
    "admin": {"threshold": integer(1)},
    "signer": {"principal": matches(PRINCIPAL), "key": matches(".*"), "roles": roles, None: None,
               "types": several(matches(r"(?=.{1,200}$)[ !#-)+-\[\]-~]*\*?")), "state": matches("retired")},
    "compromised": {"key": matches(".*"), "since": integer(0), None: None, "vouched": several(integer(0), False)},
    "mirror": {"name": matches(TEXT % 100), "url": matches(TEXT % 1000)}}

def read_toml(text):
    try:
        from tomllib import loads
        return loads(text)
    except ImportError:  # before Python 3.11: one key a line, as a ledger.toml has them
        document = table = {}
        for line in filter(lambda line: line and line[0] != "#", map(str.strip, text.splitlines())):
            heading, (name, _, value) = re.fullmatch(r"\[(\[?)(\w+)\]\]?", line), line.partition("=")
            if heading:
                table = {}
                document.setdefault(heading[2], []).append(table) if heading[1] else document.update({heading[2]: table})
            else:
                table[name.strip()] = json.loads(value)
        return document

def read_policy(raw):
    bad = "policyMalformed"
    try:
        doc = read_toml(raw.decode())
    except (ValueError, RecursionError, AttributeError) as why:
        raise Fault(bad, str(why)) from None
    need(type(doc.get("spec")) is int, bad, "spec")
    need(doc["spec"] <= 1, "specUnsupported", f"level {doc['spec']}")
    need(doc["spec"] == 1, "policySpecLowered", f"level {doc['spec']}")
    tables = {name: doc.pop(name, []) for name in ("signer", "compromised", "mirror")}
    tables, out = {"": [doc], "admin": [doc.pop("admin", None)], **tables}, ""
    for name, rules in TABLES.items():
        names, heading = [one for one in rules if one], {"": "", "admin": "[admin]\n"}.get(name, f"[[{name}]]\n")
        need(type(tables[name]) is list, bad, f"{name} is no array of tables")
        for row in tables[name]:
            must = [*rules][:[*rules, None].index(None)]
            need(type(row) is dict and {*must} <= {*row} <= {*names}, bad, f"the keys of [{name}]")
            wrong = [one for one in names if one in row and not rules[one](row[one])]
            need(not wrong, bad, wrong)
            out += heading + "".join(f"{one} = {json.dumps(row[one])}\n" for one in names if one in row)
    mirrors = {row["name"] for row in tables["mirror"]}
    need(tables["signer"] and len(mirrors) == len(tables["mirror"]), bad, "no signer, or a mirror twice")
    rest = {"types": [], "vouched": [], "state": ""}
    signers, compromised = ([Record(**{**rest, **row, "blob": key_text(row["key"])}) for row in tables[name]]
                            for name in ("signer", "compromised"))
    policy = Record(id=doc["id"], threshold=tables["admin"][0]["threshold"], rows=signers, compromised=compromised,
                    by_key={row.blob: row for row in signers})
    need(len(policy.by_key) == len(signers), "policyDuplicateKey")
    for row in compromised:
        owner = policy.by_key.get(row.blob)
        need(owner and owner.state and row.vouched == sorted({*row.vouched}) and min([row.since, *row.vouched]) == row.since
             and sum(row.blob == other.blob for other in compromised) == 1, "policyCompromised", "a row in itself")
    admins = {row.principal for row in signers if "admin" in row.roles and not row.state}
    need(len(admins) >= policy.threshold, "policyLockout", len(admins))
    need(out.encode() == raw, "policyNonCanonical")
    return policy

def succession(old, new, number):
    """The rules that a policy breaks by following another in the entry of this number."""
    if old.id != new.id:
        yield "policyIdChanged"
    for was, now in zip(old.rows, new.rows + [None] * len(old.rows)):
        if not now or (now.principal, now.blob) != (was.principal, was.blob):
            yield "policyRowChanged"
            break
        if was.state and not now.state:
            yield "policyUnretired"
    kept = len(new.compromised) >= len(old.compromised) and all(
        a.blob == b.blob and b.since <= a.since and {*a.vouched} <= {*b.vouched} for a, b in zip(old.compromised, new.compromised))
    if not kept or any(max([row.since, *row.vouched]) > number for row in new.compromised):
        yield "policyCompromised"

# ---- entry.md ----
def canonical(value):
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be"))
        return "{" + ",".join(canonical(name) + ":" + canonical(value[name]) for name in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    return json.dumps(value, ensure_ascii=False)

def read_event(line):
    bad = "eventMalformed"
    def check(value, depth):
        for code in map(ord, value if isinstance(value, str) else ""):
            need(not (0x7F <= code <= 0x9F or 0xD800 <= code <= 0xDFFF or 0xFDD0 <= code <= 0xFDEF or code & 0xFFFE == 0xFFFE),
                 bad, f"U+{code:04X}")
        if isinstance(value, (dict, list)):
            need(depth <= 64, bad, "nested too deep")
            for inner in [*value, *value.values()] if isinstance(value, dict) else value:
                check(inner, depth + 1)
    def number(text):
        need(re.fullmatch("0|-?[1-9][0-9]{0,15}", text) and abs(int(text)) <= MAX_INT, bad, "a number")
        return int(text)
    def members(pairs):
        need(len(dict(pairs)) == len(pairs), bad, "a name twice")
        return dict(pairs)
    try:
        event = json.loads(line, parse_int=number, parse_float=number, parse_constant=number, object_pairs_hook=members)
        check(event, 1)
    except (ValueError, RecursionError) as why:
        raise Fault(bad, str(why)) from None
    need(canonical(event) == line, "eventNonCanonical")
    need(isinstance(event, dict) and event.get("specversion") == "1.0", bad, "no object, or specversion")
    for name in {"id", "source", "type"} | {*event} & {"subject", "data_base64", "dataref"}:
        need(type(event.get(name)) is str and (event[name] or name == "data_base64"), bad, name)
    for name, value in event.items():
        need(re.fullmatch("[a-z0-9]+|data_base64", name) and (name == "data" or isinstance(value, (str, int))), bad, name)
    need(len({*event} & {"data", "data_base64", "dataref"}) <= 1, bad, "data twice")
    unbase64(event.get("data_base64", "").encode("latin-1", "replace"), bad)
    need(re.fullmatch("attachments/[0-9a-f]{64}", event.get("dataref", "attachments/" + 64 * "0")), bad, "dataref")
    return event

def read_entry(content, form):
    """The entry a commit spells; raises the first deviation in the order of entry.md."""
    need(len(content) <= 65535, "messageTooLarge", len(content))
    head, empty, message = content.partition(b"\n\n")
    need(empty, "headerMalformed", "no empty line")
    order, seen = [b"tree", b"parent", b"author", b"committer", FORMS[form][1]], {}
    for line in re.split(rb"\n(?! )", head):
        name, space, value = line.partition(b" ")
        need(name in order, "headerUnknown", name)
        need(name not in seen, "parentCount" if name == b"parent" else "headerDuplicate", name)
        late = any(order.index(other) > order.index(name) for other in seen)
        need(space and not late and (name == order[4] or b"\n" not in value), "headerMalformed", name)
        seen[name] = value
    need({*order[:4]} - {b"parent"} <= {*seen}, "headerMalformed", "a header is missing")
    need(order[4] in seen, "signatureMissing")
    need(all(re.fullmatch(FORMS[form][0], seen[name]) for name in order[:2] if name in seen), "headerMalformed", "an object id")
    for name in order[2:4]:
        person = re.fullmatch(rf"({PRINCIPAL}) <\1> (0|[1-9][0-9]{{0,9}}) \+0000".encode(), seen[name])
        need(person, "identityMalformed", seen[name])
    need(seen[b"author"] == seen[b"committer"], "identityMismatch")
    text, bad = seen[order[4]].replace(b"\n ", b"\n") + b"\n", "signatureNonCanonical"
    need(text.startswith(b"-----BEGIN SSH SIGNATURE-----"), "signatureKind", text[:40])
    blob = unbase64(b"".join(text.split(b"\n")[1:-2]), bad)
    public, namespace = signature(blob, bad, "signatureKey")
    need(armour(blob) == text, bad, "armour")
    need(namespace == b"git", "signatureNamespace", namespace)
    entry = Record(tree=seen[b"tree"].decode(), parent=seen.get(b"parent"), principal=person[1].decode(), time=int(person[2]), key=public,
                   seal=(public, b"git", blob, head[:head.index(b"\n" + order[4] + b" ")] + empty + message), approvals=[], range=[])
    try:
        parts = message.decode().split("\n\n", 2)
    except UnicodeDecodeError:
        raise Fault("messageMalformed", "not UTF-8") from None
    need(len(parts) == 3 and parts[2].endswith("\n"), "messageMalformed", "subject, events, trailers")
    trailers = parts[2][:-1].split("\n")
    number = re.fullmatch("Ledger-Seq: (0|[1-9][0-9]{0,15})", trailers.pop(0))
    digest = re.fullmatch("Ledger-Policy: sha256:([0-9a-f]{64})", trailers.pop(0) if trailers else "")
    need(number and int(number[1]) <= MAX_INT and digest, "trailerMalformed", "Ledger-Seq or Ledger-Policy")
    entry.number, entry.policy = int(number[1]), bytes.fromhex(digest[1])
    if trailers and trailers[0].startswith("Ledger-Range: "):
        entry.range = [unbase64(one.encode(), "rangeMalformed") for one in trailers.pop(0)[14:].split(" ")]
    need([*map(len, entry.range)] == [32] * bin(entry.number).count("1"), "rangeMalformed", "hashes for the number")
    while trailers and trailers[0].startswith("Ledger-Approval: "):
        who, space, encoded = trailers.pop(0)[17:].partition(" ")
        need(space and re.fullmatch(PRINCIPAL, who) and all(other < who for other, _ in entry.approvals), "approvalNonCanonical", who)
        entry.approvals.append((who, unbase64(encoded.encode(), "approvalNonCanonical")))
    need(not trailers, "trailerMalformed", trailers[:1])
    entry.events = [read_event(line) for line in parts[1].split("\n")]
    first, more = entry.events[0], len(entry.events) - 1
    suffix = f" (+{more})" if more else ""
    subject = re.sub("[^ -~]", "?", f"{entry.number} {first['type']} {first.get('subject', first['source'])}")
    need(parts[0] == subject[:72 - len(suffix)].rstrip(" ") + suffix, "subjectMismatch", parts[0][:80])
    return entry

# ---- chain.md, policy.md ----
class Judgement:
    """Everything found in the chain that ends at `tip`; the oldest entry is judged first."""

    def __init__(self, store, form, tip, cut=(), fingerprint=None):
        self.store, self.form, self.findings, self.cache = store, form, [], {}
        chain, rooted = self.walk(tip, cut)
        self.count, self.fingerprint, before, judged, pairs = len(chain), None, None, [], {}
        links = [self.parse(oid, content) for oid, content in reversed(chain)]
        anchor = 0 if rooted else next((link.number - at for at, link in enumerate(links) if link.fault is None), None)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            good = [*pool.map(lambda link: link.fault is None and fits(*link.seal), links)]
        for at, entry in enumerate(links):
            self.place = (None if anchor is None else anchor + at, entry.oid)
            if at == 0 and rooted:
                self.fingerprint = entry.digest.hex()
                self.report(fingerprint not in (None, self.fingerprint), "fingerprintMismatch", self.fingerprint)
            if entry.fault:
                self.report(True, *entry.fault.args)
                before = None
                continue
            entry.place = self.place
            self.report(not good[at], "signatureBad")
            self.follows(entry, before)
            entry.state = self.tree(entry)
            if before and not entry.state and entry.policy == before.policy:
                entry.state = before.state
            changes = entry.parent is None or bool(before) and entry.policy != before.policy
            entry.setter = entry.digest if changes else before and before.setter
            if good[at] and (before or entry.parent is None):
                self.permits(entry, before, changes)
            for event in entry.events:
                same = canonical({**event, "recordedtime": ""}), entry.key
                known = pairs.setdefault((event["source"], event["id"]), (same, event))
                self.report(known[1] is not event, "eventRepeated" if known[0] == same else "eventConflict", event["id"])
            judged += [entry] * good[at]
            before = entry
            if any(found[0] == "specUnsupported" for found in self.findings):
                break
        newest = next((entry.state for entry in reversed(judged) if entry.state), Record(compromised=[]))
        for entry in judged:
            for row in newest.compromised:
                self.place = entry.place
                self.report(entry.key == row.blob and row.since <= entry.number not in row.vouched, "compromisedEntry")

    def report(self, broken, finding, detail=""):
        if broken:
            self.findings.append((finding, *self.place, detail))

    def once(self, make, *arguments):
        """What `make` gives, or None; its fault is reported the first time only."""
        what = make.__name__, *arguments
        if what not in self.cache:
            try:
                self.cache[what] = make(*arguments)
            except Fault as fault:
                self.report(True, *fault.args)
                self.cache[what] = None
        return self.cache[what]

    def parse(self, oid, content):
        try:
            entry, fault = read_entry(content, self.form), None
        except Fault as found:
            entry, fault = Record(), found
        entry.oid, entry.fault, entry.digest = oid, fault, sha256(b"\0" + content)
        return entry

    def walk(self, oid, cut):
        chain = []
        while True:
            self.place = None, oid
            try:
                chain.append((oid, self.store.get(oid, "commit", MIB)))
            except Fault as fault:
                self.report(True, *fault.args)
                return chain, False
            parent = re.search(rb"^parent (.*)", chain[-1][1].partition(b"\n\n")[0], re.M)
            if not parent:
                return chain, True
            self.report(oid in cut, "shallow")
            if oid in cut or not re.fullmatch(FORMS[self.form][0], parent[1]):
                return chain, False
            oid = parent[1].decode()

    def follows(self, entry, before):
        if not before:
            return self.report((entry.number == 0) != (entry.parent is None) and (entry.number == 0 or entry.parent is None), "sequenceGap")
        self.report(entry.time < before.time, "timeBackwards", f"{entry.time} after {before.time}")
        if entry.number != before.number + 1:
            return self.report(True, "sequenceGap", f"{entry.number} after {before.number}")
        expected, size, leaf = [*before.range], before.number, before.digest
        while size & 1:
            leaf, size = sha256(b"\1" + expected.pop() + leaf), size >> 1
        self.report(entry.range != [*expected, leaf], "rangeMismatch")

    def listing(self, oid, shape):
        """{name: object id} of a tree that lists exactly what the pattern says."""
        raw = self.store.get(oid, "tree", MIB)
        items = re.findall(rb"([^ \0]+) ([^\0]+)\0(.{%d})" % (len(oid) // 2), raw, re.S)
        names, spelled = [name for _, name, _ in items], b"".join(b"%s %s\n" % item[:2] for item in items)
        whole = b"".join(b"%s %s\0%s" % item for item in items) == raw and names == sorted({*names})
        need(whole and re.fullmatch(shape, spelled), "treeShape", spelled[:200])
        return {name.decode(): hash.hex() for _, name, hash in items}

    def part(self, *oids):
        return [self.store.get(oid, "blob", most) for oid, most in zip(oids, (MIB, 2 * MIB, MIB))]

    def tree(self, entry):
        """The policy this entry names, if it stands in its tree and can be read."""
        root = self.once(self.listing, entry.tree,
                         rb"100644 README.md\n100644 allowed_signers\n(40000 attachments\n)?100644 ledger.toml\n")
        part = root and self.once(self.part, root["ledger.toml"], root["allowed_signers"], root["README.md"])
        if not part:
            return None
        policy = None
        if sha256(part[0]) != entry.policy:
            self.report(True, "policyDigestMismatch")
        else:
            policy = self.once(read_policy, part[0])
        if policy:
            signers = "".join(f'{row.principal} namespaces="git,git-ledger-approval" {row.key}\n' for row in policy.rows)
            self.once(need, part[1:] == [signers.encode(), README], "derivedMismatch", entry.tree)
        held = self.once(self.listing, root["attachments"], rb"(100644 [0-9a-f]{64}\n)+") if "attachments" in root else {}
        if held is not None:
            named = {event["dataref"][12:] for event in entry.events if "dataref" in event}
            for name in sorted(named ^ {*held}):
                self.report(True, "attachmentAbsent" if name in named else "attachmentUnnamed", name)
            for name, blob in held.items():
                self.once(self.attachment, name, blob)
        return policy

    def attachment(self, name, oid):
        try:
            need(sha256(self.store.get(oid, "blob", 64 * MIB)).hex() == name, "attachmentDigest", name)
        except Fault as fault:
            raise Fault("attachmentUnreadable" if fault.args[0] == "objectMissing" else fault.args[0], name) from None

    def permits(self, entry, before, changes):
        """The policy in force is that of the entry before; of the first entry, its own."""
        force = before.state if before else entry.state
        if not force:
            return
        start, kinds, row = len(self.findings), [event["type"] for event in entry.events], force.by_key.get(entry.key)
        if not row or row.principal != entry.principal or row.state:
            self.report(True, "signerUnknown" if not row else "signerRetired" if row.principal == entry.principal else "signerPrincipal")
        else:
            fit = kinds == [CHANGED if before else CREATED] and "dataref" not in entry.events[0]
            misfit = not fit if changes else {CREATED, CHANGED} & {*kinds}
            self.report(misfit, "policyEvent", kinds[0])
            self.report(not misfit and entry.approvals and not (changes and before), "approvalUnexpected")
            for kind in kinds if not changes else [CHANGED]:
                role = "auditor" if kind in AUDITED else "admin" if kind in (CREATED, CHANGED) else "writer"
                free = not row.types or kind in (CREATED, CHANGED)
                typed = free or any(kind == one or one[-1] == "*" and kind.startswith(one[:-1]) for one in row.types)
                if not typed or not {"admin", role} & {*row.roles}:
                    self.report(True, "signerType" if {"admin", role} & {*row.roles} else "signerRole", kind)
                    break
        may_sign = len(self.findings) == start
        for finding in succession(force, entry.state, entry.number) if changes and entry.state else ():
            self.report(True, finding)
        if changes and before and may_sign and entry.state and (before.setter or not entry.approvals):
            self.agree(force, entry, before.setter or b"")

    def agree(self, force, entry, setter):
        text = f"git-ledger approval 1\n{force.id}\n{setter.hex()}\n{entry.policy.hex()}\n".encode()
        agreed, start = {entry.principal}, len(self.findings)
        for who, blob in entry.approvals:
            try:
                public, namespace = signature(blob, "approvalNonCanonical", "approvalNonCanonical")
                row = force.by_key.get(public)
                admin = row and row.principal == who != entry.principal and "admin" in row.roles and not row.state
                need(admin, "approvalSigner", who)
                need(namespace == b"git-ledger-approval" and fits(public, namespace, blob, text), "approvalBad", who)
                agreed.add(who)
            except Fault as fault:
                self.report(True, *fault.args)
        for new in entry.state.compromised:
            rows = [policy.by_key[new.blob] for policy in (force, entry.state) if new.blob in policy.by_key]
            if new not in force.compromised and any("admin" in row.roles for row in rows):
                agreed.discard(rows[0].principal)
        self.report(len(self.findings) == start and len(agreed) < force.threshold, "thresholdMissed", len(agreed))

# ---- where the bytes come from, and where the verdict goes ----
class Store:
    """Objects by id; each one is hashed here, whoever handed it over."""

    def __init__(self, read, form):
        self.read, self.form = read, form

    def get(self, oid, kind, most):
        found = self.read(oid, most)
        need(found, "objectMissing", oid)
        need(found[1] <= most, "objectTooLarge", f"{oid}: {found[1]} bytes")
        named = hashlib.new(self.form, b"%s %d\0" % found[:2] + found[2]).hexdigest()
        need(named == oid, "objectCorrupt", f"{oid} hashes to {named}")
        need(found[0] == kind.encode(), "objectKind", f"{oid} is a {found[0].decode()}")
        return found[2]

class Batch:
    """`git cat-file --batch` on an object directory, run in an empty repository of our own."""

    def __init__(self, objects, form):
        clean = os.path.join(WORK.name, "clean.git")
        subprocess.run([GIT, "init", "-q", "--bare", "--template=", f"--object-format={form}", clean], env=ENV, check=True)
        settings = ["-c", "core.commitGraph=false", "-c", "core.multiPackIndex=false"]
        self.command, self.child = [GIT, *settings, "cat-file", "--batch"], None
        self.env = {**ENV, "GIT_DIR": clean, "GIT_OBJECT_DIRECTORY": objects}

    def read(self, oid, most):
        if not self.child:
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
            self.child = subprocess.Popen(self.command, env=self.env, **pipes)
        self.child.stdin.write(oid.encode() + b"\n")
        self.child.stdin.flush()
        words = self.child.stdout.readline().split()
        if words[1:] == [b"missing"]:
            return None
        size = int(words[2]) if len(words) == 3 else -1
        data = self.child.stdout.read(size + 1) if 0 <= size <= most else b""
        if len(data) != size + 1:  # too large, or git gave up on it
            self.child.kill()
            self.child.communicate()
            self.child = None
        need(data or size > most, "objectCorrupt", oid)
        return words[1], size, data[:-1]

def repository(path, ref, fingerprint):
    def git(*arguments):
        done = subprocess.run([GIT, "-C", path, *arguments], env=ENV, capture_output=True, text=True)
        if done.returncode:
            raise OSError(done.stderr.strip())
        return done.stdout.splitlines()
    def words(*name):
        file = os.path.join(common, *name)
        return open(file).read().split() if os.path.exists(file) else []
    common = git("rev-parse", "--path-format=absolute", "--git-common-dir")[0]
    refs = dict(line.split(" ")[::-1] for line in git("for-each-ref", "--format=%(objectname) %(refname)", ref, "refs/replace/"))
    if ref not in refs:
        raise OSError(f"no {ref} in {path}")
    form = "sha1" if len(refs[ref]) == 40 else "sha256"
    batch = Batch(os.path.join(common, "objects"), form)
    judged = Judgement(Store(batch.read, form), form, refs[ref], words("shallow"), fingerprint)
    judged.place = None, None
    judged.report(any(name.startswith("refs/replace/") for name in refs), "replaceRefs")
    judged.report(words("info", "grafts"), "grafts")
    judged.report(words("objects", "info", "alternates"), "alternates")
    return judged

def vector(file):
    """(expected, found) finding ids of a vector file, as README.md describes it."""
    with open(file, "rb") as stream:
        head, _, stream = stream.read().partition(b"\n\n")
    header, objects = dict(line.split(": ", 1) for line in head.decode().split("\n")), {}
    while stream:
        line, _, stream = stream.partition(b"\n")
        oid, kind, size = line.split(b" ")
        objects[oid.decode()], stream = (kind, int(size), stream[:int(size)]), stream[int(size) + 1:]
    form, cut = header.get("format", "sha1"), header.get("shallow", "").split()
    store = Store(lambda oid, most: objects.get(oid), form)
    judged = Judgement(store, form, header["tip"], cut, header.get("fingerprint"))
    return sorted(header["expect"].split()), sorted({found[0] for found in judged.findings}) or ["sound"]

def severity(finding):
    return "note" if finding in NOTE else "unknown" if finding in UNKNOWN else "breach"

def main(words):
    if words[:1] == ["--vector"] and words[1:]:
        verdicts = [(file, *vector(file)) for file in words[1:]]
        for file, expected, found in verdicts:
            print("ok" if expected == found else "FAIL", file + ":", *found)
        return int(any(expected != found for _, expected, found in verdicts))
    if words[:1] == ["--vector-judge"] and len(words) == 2:
        print(*vector(words[1])[1])
        return 0
    pinned = words[:1] == ["--fingerprint"] and re.fullmatch("(?:sha256:)?([0-9a-f]{64})", "".join(words[1:2]))
    words = words[2:] if pinned else words
    if len(words) not in (1, 2) or words[0].startswith("-"):
        print(__doc__, file=sys.stderr)
        return 129
    judged = repository(words[0], words[1] if words[1:] else "refs/heads/ledger", pinned[1] if pinned else None)
    for finding, at, commit, detail in judged.findings:
        print(f"{severity(finding)} {finding} {'-' if at is None else at} {commit or '-'}\t{ascii(detail)}")
    worst = {severity(found[0]) for found in judged.findings}
    answer = "breach" if "breach" in worst else "unknown" if "unknown" in worst else "sound"
    print(f"{answer} {judged.count} entries fingerprint {'sha256:' + judged.fingerprint if judged.fingerprint else '-'}")
    return {"sound": 0, "breach": 1, "unknown": 2}[answer]

if __name__ == "__main__":
    try:
        if not (GIT and KEYGEN):
            raise OSError("git or ssh-keygen is not installed")
        sys.exit(main(sys.argv[1:]))
    except (OSError, ValueError, KeyError, subprocess.SubprocessError) as why:
        print(f"error: {why}", file=sys.stderr)
        sys.exit(128)
