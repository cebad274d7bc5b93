#!/usr/bin/env python3
"""Verifies a git-ledger from its bytes: the second, independent reading of this specification.

Needs Python 3.11, git and ssh-keygen. It changes no repository, follows the `parent` bytes itself, hashes
every object again, and asks ssh-keygen only whether a signature known to be canonical fits its bytes.

    verify.py [--fingerprint HEX] REPOSITORY [FULL-REF]     FULL-REF is refs/heads/ledger unless given
    verify.py [--fingerprint HEX] --proof FILE              judges a receipt or evidence (proof.md)
    verify.py --vector FILE...                              holds each verdict against the file's `expect`
    verify.py --vector-judge FILE                           prints the finding ids, sorted, or `sound`

Exit code: 0 sound or proven, 1 breach (or a vector differs), 2 unknown, 128 could not run, 129 usage.
"""
import base64, contextlib, hashlib, json, os, re, subprocess, sys, tempfile, tomllib
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace as Record

UNKNOWN = {"attachmentUnreadable", "specUnsupported", "compromisedEntry", "shallow", "proofUnanchored"}
NOTE = {"eventRepeated", "eventConflict", "replaceRefs", "grafts", "alternates"}  # all others are breaches
README = Path(__file__).with_name("README.tree-1.md").read_bytes()
WORK = tempfile.TemporaryDirectory(prefix="ledger-verify-")
ENV = {"PATH": os.environ.get("PATH", os.defpath), "HOME": WORK.name, "LC_ALL": "C", "GIT_NO_LAZY_FETCH": "1",
       "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_NO_REPLACE_OBJECTS": "1"}
FORMS = {"sha1": ("[0-9a-f]{40}", "gpgsig"), "sha256": ("[0-9a-f]{64}", "gpgsig-sha256")}
MAX_INT, MIB = 2**53 - 1, 1 << 20

class Fault(Exception):
    """One broken rule: (finding id, text)."""

def need(holds, finding, text=""):
    """Ends the judgement of what is being read where a rule does not hold."""
    if not holds:
        raise Fault(finding, text)

@contextlib.contextmanager
def refusing(finding):
    """Makes a finding of what Python's own readers refuse."""
    try:
        yield
    except (ValueError, TypeError, RecursionError) as why:
        raise Fault(finding, str(why)) from None

def unbase64(text, finding):
    with refusing(finding):
        data = base64.b64decode(text, validate=True)
    need(base64.b64encode(data).decode() == text, finding, "base64 in another spelling")
    return data

def distinct(items): return len(set(items)) == len(items)
def sha256(data): return hashlib.sha256(data).digest()

# ---- keys and signatures: policy.md, "Keys"; entry.md, "Signature" ----
P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D, ORDER_8 = -121665 * pow(121666, -1, P), 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD83D3D706A17C7
B256 = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
B384 = 0xB3312FA7E23EE7E4988E056BE3F82D19181D9C6EFE8141120314088F5013875AC656398D8A2ED19D2A85C8EDD3EC2AEF
N256 = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
N384 = 2**384 - 0x389CB27E0BC8D220A7E5F24DB74F58851313E695333AD68D
CURVES = {b"nistp256": (32, 2**256 - 2**224 + 2**192 + 2**96 - 1, B256, N256),  # bytes, p, b, n
          b"nistp384": (48, 2**384 - 2**128 - 2**96 + 2**32 - 1, B384, N384)}
KINDS = {  # family, and the fields after the type: s a string, n a number
    b"ssh-ed25519": ("ed", "s"), b"sk-ssh-ed25519@openssh.com": ("ed", "ss"), b"ssh-rsa": ("rsa", "nn"),
    b"ecdsa-sha2-nistp256": (b"nistp256", "ss"), b"ecdsa-sha2-nistp384": (b"nistp384", "ss"),
    b"sk-ecdsa-sha2-nistp256@openssh.com": (b"nistp256", "sss")}
PRINTABLE = re.compile(b"[ -~]{1,255}")

def take(data, shape, bad):
    """The strings (s) and positive minimal mpints (n) that stand first in these bytes, and then the rest."""
    found = []
    for kind in shape:
        end = 4 + int.from_bytes(data[:4], "big")
        value, number = data[4:end], int.from_bytes(data[4:end], "big")
        need(4 <= end <= len(data), bad, "a field is cut short")
        minimal = number and value == number.to_bytes(number.bit_length() // 8 + 1, "big")
        need(kind == "s" or minimal, bad, "an mpint")
        found, data = [*found, value if kind == "s" else number], data[end:]
    return *found, data

@lru_cache(None)
def public_key(blob, bad):
    """(type, family, modulus if it is RSA) of a key that may sign."""
    kind, rest = take(blob, "s", bad)
    need(kind in KINDS, bad, "a type that may not sign")
    family, shape = KINDS[kind]
    *parts, rest = take(rest, shape, bad)
    one, two = [*parts, None][:2]
    if family == "rsa":
        good = one == 65537 and 3072 <= two.bit_length() <= 8192 and two % 2
    elif family == "ed":  # x² = (y² - 1) / (dy² + 1) has a root, and the point is not of small order
        y = int.from_bytes(one, "little") % 2**255
        root = pow((y * y - 1) * (D * y * y + 1), (P - 1) // 2, P) == 1
        good = len(one) == 32 and y < P and root and y not in (0, 1, P - 1, ORDER_8, P - ORDER_8)
    else:
        size, p, b, _ = CURVES[family]
        x, y = int.from_bytes(two[1:1 + size], "big"), int.from_bytes(two[1 + size:], "big")
        on_curve = max(x, y) < p and (y * y - x**3 + 3 * x - b) % p == 0
        good = one == family and len(two) == 1 + 2 * size and two[0] == 4 and on_curve
    application = PRINTABLE.fullmatch(parts[-1]) if kind.startswith(b"sk-") else True
    need(good and application and not rest, bad, "weak or malformed")
    return kind, family, two

def signature(blob, bad, bad_key):
    """(key blob, namespace) of an SSHSIG blob in its one spelling."""
    public, namespace, reserved, digest, inner, rest = take(blob[10:], "sssss", bad)
    need(blob[:10] == b"SSHSIG\0\0\0\1" and PRINTABLE.fullmatch(namespace) and not reserved
         and digest == b"sha512" and not rest, bad, "the fields around the signature")
    kind, family, modulus = public_key(public, bad_key)
    algorithm, value, tail = take(inner, "ss", bad)
    if family == "ed":
        good = len(value) == 64 and int.from_bytes(value[32:], "little") < L
    elif family == "rsa":
        good = len(value) == (modulus.bit_length() + 7) // 8
    else:
        r, s, rest = take(value, "nn", bad)
        good = r < CURVES[family][3] and s <= CURVES[family][3] // 2 and not rest
    need(good and algorithm == (b"rsa-sha2-512" if family == "rsa" else kind), bad, "algorithm or numbers")
    need(re.fullmatch(b"(?s)[\1\5].{4}" if kind.startswith(b"sk-") else b"", tail), bad, "flags, spare bytes")
    return public, namespace

def armour(blob):
    lines = re.findall(".{1,70}", base64.b64encode(blob).decode())
    return "\n".join(["-----BEGIN SSH SIGNATURE-----", *lines, "-----END SSH SIGNATURE-----", ""])

@lru_cache(None)
def fits(public, namespace, blob, message):
    """Whether ssh-keygen says that this key made this signature over this message."""
    with tempfile.TemporaryDirectory(dir=WORK.name) as folder:
        allowed, made = Path(folder, "allowed"), Path(folder, "made")
        allowed.write_bytes(b"x %s %s\n" % (take(public, "s", "")[0], base64.b64encode(public)))
        made.write_text(armour(blob))
        command = ["ssh-keygen", "-Y", "verify", "-f", allowed, "-I", "x", "-n", namespace, "-s", made]
        return subprocess.run(command, input=message, env=ENV, capture_output=True).returncode == 0

# ---- policy.md ----
PRINCIPAL, INT = "[a-z0-9](?:[a-z0-9._+@:/-]{0,62}[a-z0-9])?", "(?:0|[1-9][0-9]{0,15})"
ROLES = '("writer"(, "admin")?(, "auditor")?|"admin"(, "auditor")?|"auditor")'
CHAR, TYPE = r"[ !#-\[\]-~]", r'"(?=[^"]{1,200}")[ !#-)+-\[\]-~]*\*?"'
POLICY = (rf'spec = 1\nid = "[0-9a-f]{{32}}"\nname = "{CHAR}{{1,100}}"\n\[admin\]\nthreshold = (?!0){INT}\n'
          rf'(\[\[signer\]\]\nprincipal = "{PRINCIPAL}"\nkey = "{CHAR}*"\nroles = \[{ROLES}\]\n'
          rf'(types = \[{TYPE}(, {TYPE})*\]\n)?(state = "retired"\n)?)+'
          rf'(\[\[compromised\]\]\nkey = "{CHAR}*"\nsince = {INT}\n(vouched = \[{INT}(, {INT})*\]\n)?)*'
          rf'(\[\[mirror\]\]\nname = "{CHAR}{{1,100}}"\nurl = "{CHAR}{{1,1000}}"\n)*'
          rf'(\[\[failure\]\]\ntypes = \[{TYPE}(, {TYPE})*\]\nmode = "(closed|spool)"\n)*')
NAMES = "spec id name threshold principal key roles types state since vouched url mode".split()

def spell(table):
    """The canonical lines of a table; a ValueError where it has a key that no table has."""
    return "".join(f"{name} = {json.dumps(table[name])}\n" for name in sorted(table, key=NAMES.index))

def read_policy(raw):
    """The policy that a ledger.toml spells; raises the first fault in the order of policy.md, rule 12."""
    bad = "policyMalformed"
    with refusing(bad):
        top = {name: value for name, value in tomllib.loads(raw.decode()).items() if value != []}
        need(type(top.get("spec")) is int and abs(top["spec"]) < 2**63, bad, "spec")
        need(top["spec"] <= 1, "specUnsupported")
        need(top["spec"] == 1, "policySpecLowered")
        admin = top.pop("admin", {})
        tables = {name: top.pop(name, []) for name in ("signer", "compromised", "mirror", "failure")}
        need(all(type(rows) is list for rows in tables.values()), bad, "no array of tables")
        spelled = spell(top) + "[admin]\n" + spell(admin) + "".join(
            f"[[{name}]]\n" + spell(row) for name, rows in tables.items() for row in rows)
    need(re.fullmatch(POLICY, spelled), bad, "a key or a value")
    absent = {"types": [], "vouched": [], "state": ""}
    signers, compromised, mirrors, failures = (
        [Record(**absent | row) for row in rows] for rows in tables.values())
    numbers = [number for row in compromised for number in [row.since, *row.vouched]]
    need(max([admin["threshold"], *numbers]) <= MAX_INT and all(distinct(row.types) for row in signers)
         and distinct([row.name for row in mirrors])
         and distinct([kind for row in failures for kind in row.types]), bad, "too large, or twice")
    for row in signers + compromised:
        kind, _, encoded = row.key.partition(" ")
        row.blob = unbase64(encoded, "policyKey")
        need(public_key(row.blob, "policyKey")[0] == kind.encode(), "policyKey", "of another type")
    by_key = {row.blob: row for row in signers}
    need(len(by_key) == len(signers), "policyDuplicateKey")
    need(distinct([row.blob for row in compromised]) and all(
        row.blob in by_key and by_key[row.blob].state and row.vouched == sorted({*row.vouched})
        and row.since <= min(row.vouched, default=row.since) for row in compromised), "policyCompromised")
    admins = {row.principal for row in signers if "admin" in row.roles and not row.state}
    need(len(admins) >= admin["threshold"], "policyLockout")
    need(spelled.encode() == raw, "policyNonCanonical")
    lines = (f'{row.principal} namespaces="git,git-ledger-approval" {row.key}\n' for row in signers)
    return Record(id=top["id"], threshold=admin["threshold"], signers=signers, compromised=compromised,
                  by_key=by_key, derived=["".join(lines).encode(), README])

def succession(old, new, number):
    """The rules that a policy breaks by following another in the entry of this number."""
    pairs = [*zip(old.signers, new.signers)]
    same = [(was.principal, was.blob) == (now.principal, now.blob) for was, now in pairs]
    kept = pairs[:[*same, False].index(False)]
    wider = [was.blob == now.blob and was.since >= now.since and {*was.vouched} <= {*now.vouched}
             for was, now in zip(old.compromised, new.compromised)]
    late = any(max([row.since, *row.vouched]) > number for row in new.compromised)
    broken = {"policyIdChanged": old.id != new.id, "policyRowChanged": len(kept) < len(old.signers),
              "policyUnretired": any(was.state and not now.state for was, now in kept),
              "policyCompromised": late or not all(wider) or len(wider) < len(old.compromised)}
    return [finding for finding, found in broken.items() if found]

CREATED, CHANGED = "dev.git-ledger.ledger.created", "dev.git-ledger.policy.changed"
ROLE = {CREATED: "admin", CHANGED: "admin", "dev.git-ledger.review": "auditor",
        "dev.git-ledger.tamper.found": "auditor", "dev.git-ledger.checkpoint": "auditor"}

def permission(force, entry):
    """What the policy in force has against the signer of this entry: policy.md, rule 31, 1 to 3."""
    row, kinds = force.by_key.get(entry.key), [event["type"] for event in entry.events]
    if not row:
        return ["signerUnknown"]
    if row.principal != entry.principal or row.state:
        return ["signerRetired" if row.principal == entry.principal else "signerPrincipal"]
    alone = kinds == [CREATED if entry.first else CHANGED] and "dataref" not in entry.events[0]
    fit = alone if entry.changes else not {CREATED, CHANGED} & {*kinds}
    unexpected = entry.approvals and (entry.first or not entry.changes)
    found = ["policyEvent"] if not fit else ["approvalUnexpected"] if unexpected else []
    for kind in [CHANGED] if entry.changes else kinds:
        role = ROLE.get(kind, "writer")
        if not {"admin", role} & {*row.roles}:
            return [*found, "signerRole"]
        typed = any(kind == one or one[-1] == "*" and kind.startswith(one[:-1]) for one in row.types)
        if row.types and not typed and role != "admin":
            return [*found, "signerType"]
    return found

def agreement(force, new, entry, setter):
    """What is wrong with the approvals of a policy entry, or that too few agree: policy.md, rules 26 to 29."""
    found, agreed = [], {entry.principal}
    text = f"git-ledger approval 1\n{force.id}\n{setter.hex()}\n{entry.names.hex()}\n".encode()
    for who, blob in entry.approvals:
        try:
            public, namespace = signature(blob, "approvalNonCanonical", "approvalNonCanonical")
            row = force.by_key.get(public)
            admin = row and "admin" in row.roles and not row.state
            need(admin and row.principal == who != entry.principal, "approvalSigner", who)
            need(namespace == b"git-ledger-approval", "approvalBad", who)
            need(fits(public, namespace, blob, text), "approvalBad", who)
            agreed.add(who)
        except Fault as fault:
            found.append(fault.args)
    for row in new.compromised if new else ():  # no admin judges its own lost key
        rows = [policy.by_key[row.blob] for policy in (force, new) if row.blob in policy.by_key]
        if row not in force.compromised and any("admin" in one.roles for one in rows):
            agreed.discard(rows[0].principal)
    return found or [("thresholdMissed", len(agreed))] * (len(agreed) < force.threshold)

# ---- entry.md ----
ATTRIBUTES = {**dict.fromkeys(("id", "source", "type", "subject"), "(?s).+"), "specversion": r"1\.0",
              "dataref": "attachments/[0-9a-f]{64}", "data_base64": "(?s).*"}
PLANES = "".join(chr(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF))
BARRED = re.compile(f"[\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef{PLANES}]")

def integer(text):
    need(re.fullmatch(f"-?(?!0){INT}|0", text) and abs(int(text)) <= MAX_INT, "eventMalformed", "a number")
    return int(text)

def members(pairs):
    """An object, its names in the order of RFC 8785, so that printing it gives the canonical form."""
    need(distinct([name for name, _ in pairs]), "eventMalformed", "a name twice")
    return dict(sorted(pairs, key=lambda pair: pair[0].encode("utf-16-be")))

def depth(value):
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return isinstance(value, (dict, list)) + max(map(depth, inner), default=0)

def read_json(line):
    bad = "eventMalformed"
    with refusing(bad):
        value = json.loads(line, parse_int=integer, parse_float=integer, parse_constant=integer,
                           object_pairs_hook=members)
        spelled = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        need(depth(value) <= 64 and not BARRED.search(spelled), bad, "too deep, or a barred character")
    need(spelled == line, "eventNonCanonical")
    return value

def read_event(line):
    event, bad = read_json(line), "eventMalformed"
    need(isinstance(event, dict) and {"id", "source", "type", "specversion"} <= {*event}, bad, "incomplete")
    for name, value in event.items():
        kind = str if name in ATTRIBUTES else object if name == "data" else (str, int)
        need(re.fullmatch("[a-z0-9]+|data_base64", name) and isinstance(value, kind), bad, name)
        need(name not in ATTRIBUTES or re.fullmatch(ATTRIBUTES[name], value), bad, name)
    need(len({"data", "data_base64", "dataref"} & {*event}) <= 1, bad, "data twice")
    unbase64(event.get("data_base64", ""), bad)
    return event

def read_entry(content, form):
    """The entry a commit spells; raises the first deviation in the order of entry.md."""
    need(len(content) <= 65535, "messageTooLarge")
    head, gap, message = content.partition(b"\n\n")
    need(gap, "headerMalformed", "no empty line")
    id_form, sealed = FORMS[form]
    order, seen = ["tree", "parent", "author", "committer", sealed], {}
    for header in re.split(r"\n(?! )", head.decode("latin-1")):
        name, space, value = header.partition(" ")
        need(name in order, "headerUnknown", name)
        need(name not in seen, "parentCount" if name == "parent" else "headerDuplicate", name)
        late = any(order.index(other) > order.index(name) for other in seen)
        need(space and not late and (name == sealed or "\n" not in value), "headerMalformed", name)
        seen[name] = value
    need({"tree", "author", "committer"} <= {*seen}, "headerMalformed", "one is missing")
    need(sealed in seen, "signatureMissing")
    need(all(re.fullmatch(id_form, seen.get(name, seen["tree"])) for name in order[:2]), "headerMalformed")
    person = rf"({PRINCIPAL}) <\1> (0|[1-9][0-9]{{0,9}}) \+0000"
    author, committer = (re.fullmatch(person, seen[name]) for name in order[2:4])
    need(author and committer, "identityMalformed")
    need(seen["author"] == seen["committer"], "identityMismatch")
    text = seen[sealed].replace("\n ", "\n") + "\n"
    need(text.startswith("-----BEGIN SSH SIGNATURE-----"), "signatureKind")
    blob = unbase64("".join(text.split("\n")[1:-2]), "signatureNonCanonical")
    key, namespace = signature(blob, "signatureNonCanonical", "signatureKey")
    need(armour(blob) == text, "signatureNonCanonical", "armour")
    need(namespace == b"git", "signatureNamespace", namespace)
    signed = head[:head.index(f"\n{sealed} ".encode())] + gap + message
    with refusing("messageMalformed"):
        subject, lines, trailers = message.decode().split("\n\n", 2)
    need(trailers.endswith("\n"), "messageMalformed", "no line feed at the end")
    parts = re.fullmatch(f"Ledger-Seq: ({INT})\nLedger-Policy: sha256:([0-9a-f]{{64}})\n"
                         "(?:Ledger-Range: (.*)\n)?((?:Ledger-Approval: .*\n)*)((?s:.*))", trailers)
    need(parts and int(parts[1]) <= MAX_INT, "trailerMalformed", "Ledger-Seq or Ledger-Policy")
    number, hashes, approvals = int(parts[1]), [] if parts[3] is None else parts[3].split(" "), []
    hashes = [unbase64(one, "rangeMalformed") for one in hashes]
    need([*map(len, hashes)] == [32] * number.bit_count(), "rangeMalformed")
    for approval in re.findall("Ledger-Approval: (.*)\n", parts[4]):
        who, space, encoded = approval.partition(" ")
        good = space and re.fullmatch(PRINCIPAL, who) and all(other < who for other, _ in approvals)
        need(good, "approvalNonCanonical", who)
        approvals.append((who, unbase64(encoded, "approvalNonCanonical")))
    need(not parts[5], "trailerMalformed", "another line")
    events = [read_event(line) for line in lines.split("\n")]
    one, suffix = events[0], f" (+{len(events) - 1})" if events[1:] else ""
    derived = re.sub("[^ -~]", "?", f"{number} {one['type']} {one.get('subject', one['source'])}")
    need(subject == derived[:72 - len(suffix)].rstrip(" ") + suffix, "subjectMismatch", subject)
    return Record(fault=None, tree=seen["tree"], first="parent" not in seen, principal=author[1], key=key,
                  time=int(author[2]), number=number, names=bytes.fromhex(parts[2]), range=hashes,
                  approvals=approvals, events=events, signed=(key, b"git", blob, signed))

# ---- chain.md, and the judgement of the whole ----
def range_after(entry):
    """The range that the next entry carries."""
    hashes, size, leaf = [*entry.range], entry.number, entry.digest
    while size & 1:
        leaf, size = sha256(b"\1" + hashes.pop() + leaf), size >> 1
    return [*hashes, leaf]

class Judgement:
    """Everything found in the chain that ends at `tip`; the oldest entry is judged first."""

    def __init__(self, read, form, tip, cut=(), pinned=None):
        self.read, self.form, self.findings, self.events, self.raised = read, form, [], {}, False
        links, rooted = self.walk(tip, cut)
        self.count, self.fingerprint = len(links), links[0].digest.hex() if rooted else None
        self.tree, before, judged = lru_cache(None)(self.tree), None, []
        readable = (link.number - at for at, link in enumerate(links) if not link.fault)
        offset = 0 if rooted else next(readable, None)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            fit = [*pool.map(lambda link: not link.fault and fits(*link.signed), links)]
        for at, (entry, entry.fits) in enumerate(zip(links, fit)):
            self.place = entry.place = (None if offset is None else offset + at, entry.oid)
            if rooted and at == 0:
                self.expect(pinned in (None, self.fingerprint), "fingerprintMismatch", self.fingerprint)
            if entry.fault:
                self.expect(False, *entry.fault.args)
            else:
                self.judge(entry, before)
                judged += [entry] * entry.fits
            before = None if entry.fault else entry
            if self.raised:
                break
        newest = next((entry.policy for entry in reversed(judged) if entry.policy), Record(compromised=[]))
        doubts = {row.blob: row for row in newest.compromised}
        for entry in judged:
            self.place, row = entry.place, doubts.get(entry.key)
            doubtful = row and entry.number >= row.since and entry.number not in row.vouched
            self.expect(not doubtful, "compromisedEntry")

    def expect(self, holds, finding, text=""):
        """Names a rule that does not hold, and goes on."""
        if not holds:
            self.findings.append((finding, *self.place, text))

    @contextlib.contextmanager
    def noting(self):
        """Ends the judgement of one part at its first fault, and goes on after it."""
        try:
            yield
        except Fault as fault:
            self.expect(False, *fault.args)

    def get(self, oid, kind, most, missing="objectMissing"):
        """The content of an object, hashed here, whoever handed it over."""
        found = self.read(oid, most)
        need(found, missing, oid)
        need(found[1] <= most, "objectTooLarge", oid)
        hashed = hashlib.new(self.form, b"%s %d\0" % found[:2] + found[2])
        need(hashed.hexdigest() == oid, "objectCorrupt", oid)
        need(found[0] == kind, "objectKind", oid)
        return found[2]

    def walk(self, oid, cut):
        """The links, the oldest first, and whether that one is the root."""
        links, rooted = [], False
        with self.noting():
            while oid:
                self.place = None, oid
                content = self.get(oid, b"commit", MIB)
                try:
                    link = read_entry(content, self.form)
                except Fault as fault:
                    link = Record(fault=fault)
                link.oid, link.digest = oid, sha256(b"\0" + content)
                links.append(link)
                parent = re.search("(?m)^parent (.*)", content.partition(b"\n\n")[0].decode("latin-1"))
                need(not parent or oid not in cut, "shallow")
                rooted = not parent
                oid = parent and re.fullmatch(FORMS[self.form][0], parent[1]) and parent[1]
        return links[::-1], rooted

    def judge(self, entry, before):
        """One entry; `before` is its neighbour, where that could be read."""
        follows = entry.number == before.number + 1 if before else (entry.number == 0) == entry.first
        self.expect(entry.fits, "signatureBad")
        self.expect(follows, "sequenceGap")
        if before:
            self.expect(entry.time >= before.time, "timeBackwards", f"{entry.time} after {before.time}")
            self.expect(not follows or entry.range == range_after(before), "rangeMismatch")
        entry.policy, held = self.tree(entry.tree, entry.names)
        named = {event["dataref"][12:] for event in entry.events if "dataref" in event}
        for name in named ^ {*held} if held is not None else ():
            self.expect(False, "attachmentAbsent" if name in named else "attachmentUnnamed", name)
        entry.changes = entry.first or bool(before) and entry.names != before.names
        entry.setter = entry.digest if entry.changes else before and before.setter
        force = before.policy if before else entry.policy if entry.first else None
        if entry.fits and force:
            self.permit(entry, force, before)
        for event in entry.events:
            same = json.dumps({**event, "recordedtime": ""}, sort_keys=True), entry.key
            known = self.events.setdefault((event["source"], event["id"]), (same, event))
            repeated = "eventRepeated" if known[0] == same else "eventConflict"
            self.expect(known[1] is event, repeated, event["id"])

    def listing(self, oid, shape):
        """{name: object id} of a tree that lists exactly what the pattern says."""
        raw = self.get(oid, b"tree", MIB)
        items = re.findall(rb"(?s)([^ \0]+) ([^\0]+)\0(.{%d})" % (len(oid) // 2), raw)
        names, lines = [name for _, name, _ in items], b"".join(b"%s %s\n" % item[:2] for item in items)
        whole = b"".join(b"%s %s\0%s" % item for item in items) == raw and names == sorted({*names})
        need(whole and re.fullmatch(shape, lines), "treeShape", lines[:200])
        return {name.decode(): blob.hex() for _, name, blob in items}

    def tree(self, oid, names):
        """(the policy of this digest, if it stands here and can be read; {attachment: blob}, if listed)."""
        policy = held = None
        with self.noting():
            root = self.listing(oid, rb"100644 README\.md\n100644 allowed_signers\n(40000 attachments\n)?"
                                     rb"100644 ledger\.toml\n")
            toml, *derived = [self.get(root[name], b"blob", most * MIB) for name, most in
                              (("ledger.toml", 1), ("allowed_signers", 2), ("README.md", 1))]
            with self.noting():
                need(sha256(toml) == names, "policyDigestMismatch")
                policy = read_policy(toml)
                need(derived == policy.derived, "derivedMismatch")
            self.raised = any(found[0] == "specUnsupported" for found in self.findings)
            flat = rb"(100644 [0-9a-f]{64}\n)+"
            held = self.listing(root["attachments"], flat) if "attachments" in root else {}
            for name, blob in held.items():
                with self.noting():
                    body = self.get(blob, b"blob", 64 * MIB, "attachmentUnreadable")
                    need(sha256(body).hex() == name, "attachmentDigest", name)
        return policy, held

    def permit(self, entry, force, before):
        """policy.md, "Judging", by the policy in force. Of an unknown level, approvals are judged too."""
        refused = permission(force, entry)
        broken = succession(force, entry.policy, entry.number) if entry.changes and entry.policy else []
        for finding in refused + broken:
            self.expect(False, finding)
        judged = before and entry.changes and (entry.policy or self.raised) and not refused
        if not judged or entry.approvals and not before.setter:
            return
        for fault in agreement(force, entry.policy, entry, before.setter or b""):
            self.expect(False, *fault)

# ---- proof.md ----
def read_proof(raw):
    """The file, with its lists of entries read; raises the first fault."""
    bad = "proofMalformed"
    need(len(raw) <= 8 * MIB and raw.endswith(b"\n"), bad, "too large, or no line feed at the end")
    try:
        file = read_json(raw[:-1].decode())
    except (Fault, ValueError) as why:
        raise Fault(bad, str(why)) from None
    spec = file.get("spec") if isinstance(file, dict) else None
    need(type(spec) is int and spec >= 1, bad, "no level")
    need(spec == 1, "specUnsupported")
    lists = {"receipt": ["entries"], **dict.fromkeys(("fork", "stray", "twin"), ["common", "here", "there"])}
    need(isinstance(file.get("kind"), str) and file["kind"] in lists, bad, "kind")
    lists, number = lists[file["kind"]], file.get("entry", 0)
    names = {"format", "kind", "policies", "spec", *lists, *["entry"] * (len(lists) == 1)}
    need({*file} == names and type(number) is int and number >= 0, bad, "members")
    need(isinstance(file["format"], str) and file["format"] in FORMS, bad, "format")
    need(all(isinstance(file[name], list) for name in ("policies", *lists)), bad, "no array")
    items = [item for name in lists for item in file[name]]
    need(all(isinstance(item, dict) and {*item} == {"commit", "path"} for item in items), bad, "an item")
    need(all(isinstance(item["path"], list) and len(item["path"]) <= 53 for item in items), bad, "a path")
    hashes = [one for item in items for one in item["path"]]
    texts = [*file["policies"], *hashes, *(item["commit"] for item in items)]
    need(all(isinstance(text, str) for text in texts), bad, "no string")
    need(all(len(toml.encode()) <= MIB for toml in file["policies"]), bad, "a policy is too large")
    need(all(len(unbase64(one, bad)) == 32 for one in hashes), bad, "a hash")
    return file, [[read_shown(item, file["format"]) for item in file[name]] for name in lists]

def read_shown(item, form):
    content = item["commit"].encode()
    entry = read_entry(content, form)
    need((entry.number == 0) == entry.first, "sequenceGap")
    entry.digest, entry.path = sha256(b"\0" + content), [base64.b64decode(one) for one in item["path"]]
    return entry

def leads(entry, head):
    """Whether the hashes to the right lead from an entry to the range of a later one."""
    i, j = entry.number, head.number
    height = (i ^ j).bit_length() - 1
    shared = (i >> height).bit_count()
    lefts, rights, node = entry.range[shared:], entry.path[::-1], entry.digest
    if len(lefts) + len(rights) != height:
        return False
    for level in range(height):
        node = sha256(b"\1" + (lefts.pop() + node if i >> level & 1 else node + rights.pop()))
    return entry.range[:shared] + [node] == head.range[:shared + 1]

def fold(entries, tomls):
    """Judges entries of one history in turn, each by the policy in force; returns the newest policy."""
    before = force = setter = None
    for entry in entries:
        follows = before and entry.number == before.number + 1
        need(not follows or entry.range == range_after(before), "rangeMismatch", entry.number)
        need(not before or entry.time >= before.time, "timeBackwards", entry.number)
        need(fits(*entry.signed), "signatureBad", entry.number)
        entry.changes = not before or entry.names != before.names
        need(not before or follows or not entry.changes, "proofPolicy", f"no neighbour of {entry.number}")
        force = force or read_policy(tomls[entry.names])
        for fault in permission(force, entry):
            raise Fault(fault, entry.number)
        if entry.changes:
            try:
                new, raised = read_policy(tomls[entry.names]), [""]
            except Fault as fault:
                new, raised = None, fault.args
            need(new or raised[0] == "specUnsupported", *raised)
            for fault in succession(force, new, entry.number) if new else ():
                raise Fault(fault, entry.number)
            for fault in agreement(force, new, entry, setter) if before else ():
                raise Fault(*fault)
            need(new, *raised)
            force, setter = new, entry.digest
        before = entry
    return force

def judge_proof(raw, pinned):
    """(kind, number, fingerprint, what could not be told) of a file that proves what it claims."""
    file, lists = read_proof(raw)
    (base, *sides), kind, bad = lists, file["kind"], "proofMalformed"
    need(base and base[0].number == 0, bad, "entry 0 is not shown")
    need(all(side and side[0].number == base[-1].number + 1 for side in sides), bad, "a side begins elsewhere")
    need(all(one.number < two.number for part in lists for one, two in zip(part, part[1:])), bad, "order")
    tomls = {sha256(toml.encode()): toml.encode() for toml in file["policies"]}
    named = dict.fromkeys(entry.names for part in lists for entry in part)
    need([*named] == [*tomls] and len(tomls) == len(file["policies"]), "proofPolicy")
    root = base[0].digest.hex()
    need(pinned in (None, root), "fingerprintMismatch", root)
    heads = [sides[0][0], sides[0][-1], sides[1][-1]] if sides else [base[-1]]
    for part, head in zip(lists, heads):
        for entry in part:
            need(not entry.path if entry is head else leads(entry, head), "proofPath", entry.number)
    newest = [fold(base + side, tomls) for side in sides or [[]]]
    unknown, number = None, file.get("entry")
    if sides:
        one, two = sides
        need(one[0].digest != two[0].digest, "proofClaim", "the sides begin with the same entry")
        twins = one[0].signed[3] == two[0].signed[3]
        found = "fork" if len(one) > 1 < len(two) else "twin" if twins else "stray"
        need(found == kind, "proofClaim", f"called a {kind}, and is a {found}")
        number = one[0].number
    else:
        need(number in [entry.number for entry in base], "proofClaim", f"entry {number} is not shown")
        doubts = {row.blob: row for row in newest[0].compromised}
        rows = ((entry.number, doubts.get(entry.key)) for entry in base)
        doubtful = any(row and at >= row.since and at not in row.vouched for at, row in rows)
        unknown = "compromisedEntry" if doubtful else None
    return kind, number, root, unknown or (None if pinned else "proofUnanchored")

def proof(file, pinned):
    """Judges a receipt or evidence, tells what it proves, and returns the exit code."""
    kind, number, root, finding, text = "-", "-", None, None, ""
    try:
        with open(file, "rb") as opened:
            raw = opened.read(8 * MIB + 1)
    except OSError as why:
        print(f"error: {why}", file=sys.stderr)
        return 2
    try:
        kind, number, root, finding = judge_proof(raw, pinned)
    except Fault as fault:
        finding, text = fault.args[0], fault.args[1:]
    if finding:
        print("unknown" if finding in UNKNOWN else "breach", finding, "-", f"-\t{ascii(text)}")
    answer = "proven" if not finding else "unknown" if finding in UNKNOWN else "not proven"
    print(answer, kind, number, "fingerprint", f"sha256:{root}" if root else "-")
    return {"proven": 0, "not proven": 1, "unknown": 2}[answer]

# ---- where the bytes come from, and where the verdict goes ----
def reader(directory, form):
    """Reads an object directory by git in an empty repository: no setting of the judged one counts."""
    clean = os.path.join(WORK.name, "clean.git")
    subprocess.run(["git", "init", "-q", "--bare", f"--object-format={form}", clean], env=ENV, check=True)
    env = {**ENV, "GIT_DIR": clean, "GIT_OBJECT_DIRECTORY": directory}
    command = ["git", "-c", "core.multiPackIndex=false", "cat-file", "--batch"]
    def read(oid, most):
        """(kind, size, content), no content where that is over the limit; None where it is missing."""
        with subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as git:
            git.stdin.write(oid.encode() + b"\n")
            git.stdin.flush()
            words = git.stdout.readline().split()
            size = int(words[2]) if words[2:] else most + 1
            data = git.stdout.read(size) if size <= most else b""
            git.kill()
        need(words, "objectCorrupt", oid)
        return (words[1], size, data) if words[2:] else None
    return read

def repository(path, ref, pinned):
    """The judgement of a ref, with the notes on what could show stock git another history."""
    def git(*arguments):
        return subprocess.check_output(["git", "-C", path, *arguments], env=ENV, text=True).splitlines()
    common = Path(git("rev-parse", "--path-format=absolute", "--git-common-dir")[0])
    listed = git("for-each-ref", "--format=%(refname) %(objectname)", ref, "refs/replace/")
    refs = dict(line.split(" ") for line in listed)
    if ref not in refs:
        raise OSError(f"no {ref} in {path}")
    form = "sha1" if len(refs[ref]) == 40 else "sha256"
    files = [common / name for name in ("shallow", "info/grafts", "objects/info/alternates")]
    shallow, grafts, alternates = (file.read_text().split() if file.exists() else [] for file in files)
    judged = Judgement(reader(common / "objects", form), form, refs[ref], shallow, pinned)
    notes = {"replaceRefs": {*refs} - {ref}, "grafts": grafts, "alternates": alternates}
    judged.findings += [(note, None, None, "") for note, found in notes.items() if found]
    return judged

def vector(file):
    """(expected, found) finding ids of a vector file, as README.md describes it."""
    head, _, stream = Path(file).read_bytes().partition(b"\n\n")
    header, objects = dict(line.split(": ", 1) for line in head.decode().split("\n")), {}
    if header.get("kind") == "proof":
        try:
            found = judge_proof(stream, header.get("fingerprint"))[3]
        except Fault as fault:
            found = fault.args[0]
        return header["expect"].split(), [found or "sound"]
    while stream:
        line, _, stream = stream.partition(b"\n")
        oid, kind, size = line.split(b" ")
        objects[oid.decode()], stream = (kind, int(size), stream[:int(size)]), stream[int(size) + 1:]
    judged = Judgement(lambda oid, most: objects.get(oid), header.get("format", "sha1"), header["tip"],
                       header.get("shallow", "").split(), header.get("fingerprint"))
    return sorted(header["expect"].split()), sorted({found[0] for found in judged.findings}) or ["sound"]

def main(words):
    if words[:1] in (["--vector"], ["--vector-judge"]) and words[1:]:
        verdicts = [(file, *vector(file)) for file in words[1:] if Path(file).name != "README.md"]
        for file, expected, found in verdicts:
            label = ["ok" if expected == found else "FAIL", f"{file}:"] if words[0] == "--vector" else []
            print(*label, *found)
        return int(words[0] == "--vector" and any(expected != found for _, expected, found in verdicts))
    pinned = re.match("--fingerprint (?:sha256:)?([0-9a-f]{64}) ", " ".join(words))
    words = words[2:] if pinned else words
    if words[:1] == ["--proof"] and words[1:] and not words[2:]:
        return proof(words[1], pinned and pinned[1])
    if len(words) not in (1, 2) or words[0].startswith("-"):
        print(__doc__, file=sys.stderr)
        return 129
    judged = repository(words[0], [*words, "refs/heads/ledger"][1], pinned and pinned[1])
    grades = {"sound"}
    for finding, at, commit, text in judged.findings:
        grade = "note" if finding in NOTE else "unknown" if finding in UNKNOWN else "breach"
        grades.add(grade)
        print(grade, finding, "-" if at is None else at, f"{commit or '-'}\t{ascii(text)}")
    answer = next(grade for grade in ("breach", "unknown", "sound") if grade in grades)
    root = f"sha256:{judged.fingerprint}" if judged.fingerprint else "-"
    print(answer, judged.count, "entries fingerprint", root)
    return {"sound": 0, "breach": 1, "unknown": 2}[answer]

if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (OSError, ValueError, LookupError, subprocess.SubprocessError) as why:
        print(f"error: {why}", file=sys.stderr)
        sys.exit(128)
