"""Reads an export with what its receivers use, and holds it against what the ledger says.

    read.py FORMAT EXPORT LOG [DIRECTORY]
    read.py ocsf-events EXPORT

LOG is what `git ledger log --json --reverse` prints. Prints `NUMBER DIGEST` of each record, once
all of them are right; any difference ends it.
"""

import base64
import csv
import datetime
import json
import subprocess
import sys
import tempfile

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
import schemas

FORMAT, EXPORT = sys.argv[1:3]


def fail(*words):
    sys.exit(" ".join(map(str, words)))


def same(found, wanted, what):
    if found != wanted:
        fail(f"{what}:\n  found  {found!r}\n  wanted {wanted!r}")


def text():
    with open(EXPORT, "rb") as file:
        return file.read().decode("utf-8")


def lines():
    """As careless readers split them: at everything Python takes for the end of a line."""
    return text().splitlines()


class Wanted:
    """One record, as the ledger has it."""

    def __init__(self, entry, index, event):
        self.number = entry["position"]
        self.digest = entry["digest"]
        self.commit = entry["commit"]
        self.time = entry["time"]
        self.signer = entry["signer"]["claimed"]
        self.index = index
        self.event = event
        self.record = f"{self.digest}/{index}"

    def seconds(self):
        moment = datetime.datetime.strptime(self.time, "%Y-%m-%dT%H:%M:%SZ")
        return int(moment.replace(tzinfo=datetime.timezone.utc).timestamp())


def wanted():
    for line in open(sys.argv[3], encoding="utf-8"):
        entry = json.loads(line)
        for index, event in enumerate(entry["events"]):
            yield Wanted(entry, index, event)


WANTED = list(wanted()) if len(sys.argv) > 3 else []


def pairs(found):
    found = list(found)
    same(len(found), len(WANTED), "records")
    return zip(found, WANTED)


def original(event):
    """A CloudEvent without what the export adds, and what it had instead."""
    ours = {name: value for name, value in event.items() if name.startswith("ledger")}
    rest = {name: value for name, value in event.items() if not name.startswith("ledger")}
    return ours, rest


def undisturbed(want):
    """The event without the attributes the ledger has a use for, and integers as exported."""
    out = {}
    for name, value in want.event.items():
        if name.startswith("ledger"):
            continue
        large = isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**31
        out[name] = str(value) if large and name != "data" else value
    return out


def cloudevents(events):
    from cloudevents.v1.http import from_json

    validator = Draft202012Validator(schemas.CLOUDEVENT)
    for event, want in pairs(events):
        validator.validate(event)
        ours, rest = original(event)
        same(rest, undisturbed(want), "the event")
        same(ours["ledgernumber"], str(want.number), "ledgernumber")
        same(ours["ledgerdigest"], want.digest, "ledgerdigest")
        same(ours["ledgercommit"], want.commit, "ledgercommit")
        same(ours["ledgerindex"], str(want.index), "ledgerindex")
        same(ours["ledgersigner"], want.signer, "ledgersigner")
        same(ours["ledgerstanding"], "verified", "ledgerstanding")
        forged = [name for name in want.event if name.startswith("ledger")]
        same(sorted(ours.get("ledgerdisplaced", "").split()), sorted(forged), "displaced")
        parsed = from_json(json.dumps(event))
        same(parsed["id"], want.event["id"], "the SDK's id")
        same(parsed["ledgernumber"], str(want.number), "the SDK's ledgernumber")


def cloudevents_jsonl():
    import duckdb

    cloudevents(json.loads(line) for line in lines())
    count = duckdb.sql(
        f"select count(*), count(distinct ledgerrecord) from read_ndjson_auto('{EXPORT}', union_by_name=true)"
    ).fetchall()[0]
    same(count, (len(WANTED), len(WANTED)), "duckdb's count")


def cloudevents_batch():
    cloudevents(json.loads(text()))


def protobuf():
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    where = sys.argv[4]
    with tempfile.NamedTemporaryFile() as out:
        command = ["protoc", f"--proto_path={where}", "--include_imports", f"--descriptor_set_out={out.name}"]
        subprocess.run([*command, "cloudevents.proto"], check=True)
        described = descriptor_pb2.FileDescriptorSet.FromString(out.read())
    pool = descriptor_pool.DescriptorPool()
    for file in described.file:
        pool.Add(file)
    name = "io.cloudevents.v1.CloudEventBatch"
    batch = message_factory.GetMessageClass(pool.FindMessageTypeByName(name))()
    with open(EXPORT, "rb") as file:
        batch.ParseFromString(file.read())
    with open(EXPORT, "rb") as file:
        decoded = subprocess.run(
            ["protoc", f"--proto_path={where}", f"--decode={name}", "cloudevents.proto"],
            stdin=file,
            capture_output=True,
            check=True,
        )
    same(decoded.stdout.count(b"\nevents {") + 1, len(WANTED), "protoc's events")

    def value(held):
        kind = held.WhichOneof("attr")
        found = getattr(held, kind)
        if kind == "ce_timestamp":
            return found.ToJsonString()
        return found

    for event, want in pairs(batch.events):
        found = {"id": event.id, "source": event.source, "specversion": event.spec_version, "type": event.type}
        found.update({name: value(held) for name, held in event.attributes.items()})
        held = event.WhichOneof("data")
        if held == "text_data":
            found["data"] = json.loads(event.text_data)
            if "datacontenttype" not in want.event:
                same(found.pop("datacontenttype"), "application/json", "datacontenttype")
        elif held == "binary_data":
            found["data_base64"] = base64.b64encode(event.binary_data).decode()
        ours, rest = original(found)
        same(rest, undisturbed(want), "the event")
        same(ours["ledgerrecord"], want.record, "ledgerrecord")
        same(ours["ledgernumber"], str(want.number), "ledgernumber")
        same(ours["ledgerdigest"], want.digest, "ledgerdigest")
        same(ours["ledgercommit"], want.commit, "ledgercommit")
        if isinstance(want.event.get("small"), int):
            same(event.attributes["small"].WhichOneof("attr"), "ce_integer", "small")


def placed(place, want):
    same(place["record"], want.record, "record")
    same(place["number"], want.number, "number")
    same(place["digest"], want.digest, "digest")
    same(place["commit"], want.commit, "commit")
    same(place["index"], want.index, "index")
    same(place["signer"], want.signer, "signer")
    same(place["standing"], "verified", "standing")
    same(place["recorded"], want.time, "recorded")


def cdevents():
    custom = Draft202012Validator(schemas.CUSTOM, format_checker=Draft202012Validator.FORMAT_CHECKER)
    standard = 0
    for line, want in pairs(lines()):
        event = json.loads(line)
        placed(event["customData"]["gitledger"], want)
        if event["context"]["type"].startswith("dev.cdevents."):
            standard += 1
            same(event["context"], want.event["data"]["context"], "context")
            same(event["subject"], want.event["data"]["subject"], "subject")
        else:
            custom.validate(event)
            same(event["subject"]["content"]["event"], want.event, "the event")
        same(event["context"]["id"], want.event["id"], "id")
    if standard == 0:
        fail("no event stayed as it was")


def ocsf_events():
    """Each event by the schema of its class, with the profiles it names."""
    from ocsf_json_schema import OcsfJsonSchemaEmbedded, get_ocsf_schema

    schema = OcsfJsonSchemaEmbedded(get_ocsf_schema(version="1.3.0"))
    validators = {}
    for line in lines():
        event = json.loads(line)
        uid, profiles = event["class_uid"], event["metadata"].get("profiles", [])
        key = (uid, *profiles)
        if key not in validators:
            name = schema.lookup_class_name_from_uid(class_uid=uid)
            described = schema.get_class_schema(class_name=name, profiles=profiles)
            validators[key] = Draft202012Validator(described)
        fault = best_match(validators[key].iter_errors(event))
        if fault:
            fail("OCSF", event["class_name"], list(fault.absolute_path), fault.message)
        same(event["type_uid"], uid * 100 + event["activity_id"], "type_uid")
        same(event["category_uid"], uid // 1000, "category_uid")
        yield event


def ocsf():
    classes = set()
    for event, want in pairs(ocsf_events()):
        classes.add(event["class_uid"])
        same(event["time"], want.seconds() * 1000, "time")
        same(event["metadata"]["uid"], want.record, "uid")
        same(event["metadata"].get("original_time"), want.event.get("time"), "original_time")
        same(json.loads(event["raw_data"]), want.event, "raw_data")
        same(event["actor"]["user"]["name"], want.signer, "actor")
        placed(event["unmapped"]["git_ledger"], want)
    same(classes, {2004, 3004, 6002, 6003}, "classes")


# event.category and the types that Elastic Common Schema 8 expects with it
EXPECTED = {
    "configuration": {"access", "change", "creation", "deletion", "info"},
    "iam": {"admin", "change", "creation", "deletion", "group", "info", "user"},
    "intrusion_detection": {"allowed", "denied", "info"},
    "package": {"access", "change", "deletion", "info", "installation", "start"},
    "process": {"access", "change", "end", "info", "start"},
}


def ecs():
    import duckdb

    for line, want in pairs(lines()):
        document = json.loads(line)
        same(document["ecs"], {"version": "8.17.0"}, "ecs")
        event = document["event"]
        if event["kind"] not in {"alert", "event"}:
            fail("event.kind", event["kind"])
        for category in event["category"]:
            if not set(event["type"]) <= EXPECTED[category]:
                fail("event.type", event)
        if event["outcome"] not in {"success", "failure", "unknown"}:
            fail("event.outcome", event["outcome"])
        same(document["@timestamp"], want.time, "@timestamp")
        same(event["id"], want.record, "event.id")
        same(event["hash"], want.digest, "event.hash")
        same(json.loads(event["original"]), want.event, "event.original")
        same(document["user"]["name"], want.signer, "user.name")
        for name in ["id", "source", "type", "subject", "time"]:
            same(document["git_ledger"]["event"].get(name), want.event.get(name), name)
        placed(document["git_ledger"], want)
    found = duckdb.sql(
        f"""select git_ledger.number::bigint, count(*) from read_ndjson_auto('{EXPORT}')
            group by 1 order by 1"""
    ).fetchall()
    counts = {}
    for want in WANTED:
        counts[want.number] = counts.get(want.number, 0) + 1
    same(dict(found), counts, "duckdb's groups")


def splunk_hec():
    # the collector reads object after object, with or without anything in between
    decoder, rest, found = json.JSONDecoder(), text(), []
    while rest.strip():
        value, end = decoder.raw_decode(rest.lstrip())
        rest = rest.lstrip()[end:]
        found.append(value)
    for record, want in pairs(found):
        allowed = {"time", "host", "source", "sourcetype", "index", "event", "fields"}
        if not set(record) <= allowed:
            fail("members", set(record) - allowed)
        same(record["event"], want.event, "event")
        same(record["time"], want.seconds(), "time")
        fields = record["fields"]
        for name, value in fields.items():
            same(type(value), str, name)
        same(fields["ledger_number"], str(want.number), "ledger_number")
        same(fields["ledger_digest"], want.digest, "ledger_digest")
        same(fields["ledger_commit"], want.commit, "ledger_commit")
        same(fields["ledger_record"], want.record, "ledger_record")


def otlp_json():
    from google.protobuf import json_format
    from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

    found = []
    for line in lines():
        # an unknown member is an error in both
        json_format.Parse(line, ExportLogsServiceRequest())
        data = json_format.Parse(line, LogsData())
        for resource in data.resource_logs:
            for scope in resource.scope_logs:
                same(scope.scope.name, "git-ledger", "scope")
                found.extend(scope.log_records)
    for record, want in pairs(found):
        attributes = {pair.key: pair.value for pair in record.attributes}
        same(len(attributes), len(record.attributes), "attributes, each once")
        same(record.time_unix_nano, want.seconds() * 10**9, "time")
        same(json.loads(record.body.string_value), want.event, "body")
        same(record.event_name, want.event["type"], "event_name")
        same(attributes["git_ledger.number"].int_value, want.number, "number")
        same(attributes["git_ledger.index"].int_value, want.index, "index")
        same(attributes["git_ledger.digest"].string_value, want.digest, "digest")
        same(attributes["git_ledger.commit"].string_value, want.commit, "commit")
        subject = attributes.get("cloudevents.event_subject")
        same(subject and subject.string_value, want.event.get("subject"), "subject")


def cef_line(line):
    """A line by the letter of the format: seven fields, then key=value, with its escapes."""
    fields, at, field = [], 0, ""
    while len(fields) < 7:
        character = line[at]
        if character == "\\":
            if line[at + 1] not in "\\|":
                fail("an escape that the head does not have", line)
            field, at = field + line[at + 1], at + 2
            continue
        if character == "|":
            fields.append(field)
            field = ""
        else:
            field += character
        at += 1
    words, key, value, escapes = [], None, "", {"\\": "\\", "=": "=", "n": "\n", "r": "\r"}
    while at < len(line):
        character = line[at]
        if character == "\\":
            value, at = value + escapes[line[at + 1]], at + 2
            continue
        if character == "=":
            # what stands between the last space and this sign is the next key
            before, _, name = value.rpartition(" ")
            if key is not None:
                words.append((key, before))
            key, value = name, ""
        else:
            value += character
        at += 1
    words.append((key, value))
    names = [name for name, _ in words]
    same(len(names), len(set(names)), "keys, each once")
    return fields, dict(words)


def cef():
    import pycef

    for line, want in pairs(lines()):
        fields, words = cef_line(line)
        same(fields[:4], ["CEF:0", "git-ledger", "git-ledger", "0.1.0"], "head")
        if not 0 <= int(fields[6]) <= 10:
            fail("severity", fields[6])
        same(words["cs1Label"], "ledgerDigest", "cs1Label")
        same(words["cs1"], want.digest, "cs1")
        same(words["cs2"], want.commit, "cs2")
        same(words["cn1"], str(want.number), "cn1")
        same(words["cn2"], str(want.index), "cn2")
        same(words["externalId"], want.record, "externalId")
        same(words["suser"], want.signer, "suser")
        same(int(words["rt"]), want.seconds() * 1000, "rt")
        same(json.loads(words["gitLedgerEvent"]), want.event, "the event")
        # a simple parser, which takes neither escapes nor = in the head
        if not set(want.event["type"]) & set("=\\|"):
            parsed = pycef.parse(line)
            same(parsed["ledgerDigest"], want.digest, "pycef's digest")
            same(parsed["ledgerNumber"], str(want.number), "pycef's number")
            same(parsed["DeviceEventClassID"], want.event["type"], "pycef's class")


def row(found, want):
    same(found["record"], want.record, "record")
    same(int(found["number"]), want.number, "number")
    same(found["digest"], want.digest, "digest")
    same(found["commit"], want.commit, "commit")
    same(int(found["event_index"]), want.index, "event_index")
    same(found["signer"], want.signer, "signer")
    same(found["standing"], "verified", "standing")
    for name in ["id", "source", "type", "subject", "time"]:
        same(found[name] or None, want.event.get(name), name)
    same(json.loads(found["event"]), want.event, "event")


def table(relation):
    """What duckdb makes of it."""
    names = relation.columns
    for values, want in pairs(relation.fetchall()):
        row(dict(zip(names, values)), want)


def csv_():
    import duckdb

    with open(EXPORT, encoding="utf-8", newline="") as file:
        for found, want in pairs(csv.DictReader(file, strict=True)):
            row(found, want)
            same(found["recorded"], want.time, "recorded")
    table(duckdb.sql(f"select * from read_csv('{EXPORT}', all_varchar=true, header=true, strict_mode=true)"))


def parquet():
    import duckdb
    import pyarrow.parquet

    read = pyarrow.parquet.read_table(EXPORT)
    same(str(read.schema.field("recorded").type), "timestamp[ms, tz=UTC]", "recorded")
    same(str(read.schema.field("number").type), "int64", "number")
    same(str(read.schema.field("event").type), "string", "event")
    for found, want in pairs(read.to_pylist()):
        row(found, want)
        same(int(found["recorded"].timestamp()), want.seconds(), "recorded")
    same(pyarrow.parquet.ParquetFile(EXPORT).metadata.row_group(0).column(0).compression, "SNAPPY", "compression")
    table(duckdb.sql(f"select * exclude (recorded) from read_parquet('{EXPORT}')"))
    newest = duckdb.sql(f"select max(number), count(*) from read_parquet('{EXPORT}') where type like 'dev.%'").fetchall()[0]
    dev = [want for want in WANTED if want.event["type"].startswith("dev.")]
    same(newest, (max(want.number for want in dev), len(dev)), "duckdb's group")


READERS = {
    "cloudevents-jsonl": cloudevents_jsonl,
    "cloudevents-batch": cloudevents_batch,
    "protobuf": protobuf,
    "cdevents": cdevents,
    "ocsf": ocsf,
    "ocsf-events": lambda: print(len(list(ocsf_events()))),
    "ecs": ecs,
    "splunk-hec": splunk_hec,
    "otlp-json": otlp_json,
    "cef": cef,
    "csv": csv_,
    "parquet": parquet,
}

READERS[FORMAT]()
for want in WANTED:
    print(want.number, want.digest)
