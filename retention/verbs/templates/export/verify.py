"""Checks an exported ledger, or one proof out of it. Needs Python 3.9 and the package `cryptography`.

    python verify.py key.pub                      the folder that this file lies in
    python verify.py key.pub --proof proof.json   that one record was in the ledger

Use a key.pub that you were given before, or by somebody else: a key that came with the
folder shows only that the folder was not changed after it was made.

What is checked is written down in public documents: the lines are canonical JSON
(RFC 8785, without floats), each names the SHA-256 of the line before; all lines are the
leaves of a Merkle tree (RFC 6962, 2.1); its root is signed (Ed25519) in "checkpoints",
the signed notes of https://c2sp.org/tlog-checkpoint.
"""

import argparse
import base64
import hashlib
import json
import pathlib
import re
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

HERE = pathlib.Path(__file__).resolve().parent
LIMIT = 2**53 - 1  # larger numbers are read differently by different programs
SHAPE = re.compile(r"\d{4}-\d\d-\d\dT([01]\d|2[0-3]):\d\d:\d\d\.\d{6}Z", re.ASCII)


class Wrong(Exception):
    """What was given is not what was signed."""


def need(true, message):
    if not true:
        raise Wrong(message)


def sha256(data):
    return hashlib.sha256(data).digest()


# -- keys and signed notes -----------------------------------------------------------------


def read_key(text):
    """name+hash+base64 → (name, four bytes that name the key, the public key)."""
    name, mark, data = text.strip().split("+", 2)
    raw = base64.b64decode(data, validate=True)
    key_hash = sha256(name.encode() + b"\n" + raw)[:4]
    need(len(raw) == 33 and raw[0] == 1 and key_hash.hex() == mark, "this is no public key of a ledger")
    return name, key_hash, Ed25519PublicKey.from_public_bytes(raw[1:])


def read_note(note):
    """A checkpoint → (origin, number of events, root, signed text, signatures)."""
    need("\r" not in note, "it has line ends of Windows (CRLF): ask for it in a file that was not converted")
    text, gap, tail = note.rpartition("\n\n")
    lines = text.split("\n")
    need(gap and tail.endswith("\n") and len(lines) >= 3, "it is no signed checkpoint")
    need(re.fullmatch("0|[1-9][0-9]{0,18}", lines[1]), "its second line is no number of events")
    signatures = []
    for line in tail[:-1].split("\n"):
        dash, name, value = line.split(" ")
        need(dash == "—", "a signature begins with a dash")
        raw = base64.b64decode(value, validate=True)
        signatures.append((name, raw[:4], raw[4:]))
    return lines[0], int(lines[1]), base64.b64decode(lines[2], validate=True), text + "\n", signatures


def need_signature(note, key_text):
    """The note is of the key's own log, and signed by the key."""
    name, key_hash, key = read_key(key_text)
    origin, size, _, text, signatures = note
    own = [value for who, mark, value in signatures if (who, mark) == (name, key_hash)]
    need(origin == name, f"checkpoint of {size} events: it is of another ledger, {origin}")
    need(own, f"checkpoint of {size} events: it is not signed by the key in use then ({key_text.strip()})")
    for value in own:
        try:
            key.verify(value, text.encode())
        except InvalidSignature:
            raise Wrong(f"checkpoint of {size} events: its signature is wrong") from None


# -- the tree of RFC 6962 ------------------------------------------------------------------


def leaf(data):
    return sha256(b"\x00" + data)


def node(left, right):
    return sha256(b"\x01" + left + right)


class Tree:
    """A growing tree: of each complete subtree the number of its leaves, and its root."""

    def __init__(self):
        self.size, self.parts = 0, []

    def add(self, root, count=1):
        need(count > 0 and self.size % count == 0, "the proof of this part does not fit")
        self.size += count
        while self.parts and self.parts[-1][0] == count:
            root, count = node(self.parts.pop()[1], root), count * 2
        self.parts.append((count, root))

    def root(self):
        if not self.parts:
            return sha256(b"")
        root = self.parts[-1][1]
        for _, left in reversed(self.parts[:-1]):
            root = node(left, root)
        return root


def root_by(path, leaf_hash, index, size):
    """The root that an inclusion proof leads to (RFC 9162, 2.1.3.2)."""
    need(0 <= index < size, "the proof is for a place that is not there")
    root, last = leaf_hash, size - 1
    for step in path:
        need(last > 0, "the proof is too long")
        if index % 2 or index == last:
            root = node(step, root)
            while index % 2 == 0 and index:
                index, last = index >> 1, last >> 1
        else:
            root = node(root, step)
        index, last = index >> 1, last >> 1
    need(last == 0, "the proof is too short")
    return root


# -- lines ---------------------------------------------------------------------------------


def utf16(text):
    return text.encode("utf-16-be", "surrogatepass")


def in_order(value, depth=0):
    """The value with every object's keys in the one order of RFC 8785."""
    need(not isinstance(value, (dict, list)) or depth < 16, "it is nested deeper than 16")
    if isinstance(value, dict):
        return {name: in_order(value[name], depth + 1) for name in sorted(value, key=utf16)}
    if isinstance(value, list):
        return [in_order(item, depth + 1) for item in value]
    need(type(value) is not float, "it holds a float")
    need(type(value) is not int or abs(value) <= LIMIT, "it holds a number beyond 2^53 - 1")
    return value


def spelt(value):
    """The one spelling of a JSON value."""
    return json.dumps(in_order(value), ensure_ascii=False, separators=(",", ":")).encode()


def read_line(line, number):
    """The event of a line, which must be spelt in the one way that there is."""
    try:
        need(len(line) <= 2**20, "it is longer than a megabyte")
        event = json.loads(line.decode())
        need(spelt(event) == line, "a space, the order of keys, or an equal spelling was changed")
        need(sorted(event) == ["at", "data", "prev", "seq", "type"], "it is no event")
        need(SHAPE.fullmatch(event["at"]) and type(event["data"]) is dict, "it is no event")
        need(type(event["seq"]) is int and type(event["type"]) is str, "it is no event")
    except (ValueError, TypeError, RecursionError) as error:
        raise Wrong(f"event {number}: it is no line of a ledger ({type(error).__name__})") from None
    except Wrong as error:
        raise Wrong(f"event {number}: {error}") from None
    return event


def lines_of(folder):
    for path in sorted((folder / "segments").glob("*.jsonl")):
        with path.open("rb") as stream:
            while line := stream.readline(2**20 + 2):
                need(line.endswith(b"\n"), f"{path.name}: a line is torn, or longer than a megabyte")
                yield line[:-1]


# -- the two checks ------------------------------------------------------------------------


def check_folder(folder, key):
    """Content, chain, tree, signatures, and that all checkpoints are of one history."""
    paths = [*sorted((folder / "checkpoints").glob("*.note")), folder / "checkpoint"]
    notes = sorted((read_note(path.read_bytes().decode()) for path in paths), key=lambda note: note[1])
    part = {"first": 0, "before": [], "after": []}
    if (folder / "range.json").exists():
        part = json.loads((folder / "range.json").read_text())
    whole = not part["first"] and not part["after"]
    tree, prev, last_at, todo = Tree(), "0" * 64, "", list(notes)
    for count, root in part["before"]:
        tree.add(bytes.fromhex(root), count)
    need(tree.size == part["first"], "range.json: what came before does not fit")
    in_use, signed = key if tree.size == 0 else None, False
    while todo and todo[0][1] == 0:
        need(todo.pop(0)[2] == tree.root(), "checkpoint of 0 events: it signs another ledger")
    for line in lines_of(folder):
        number = tree.size
        event = read_line(line, number)
        need(event["seq"] == number, f"event {number}: in its place stands event {event['seq']}")
        need(
            event["prev"] == prev or number == part["first"] > 0,
            f"event {number}: it does not follow the event before it: one of the two was changed",
        )
        need(event["at"] >= last_at, f"event {number}: it is earlier than the event before it")
        prev, last_at = hashlib.sha256(line).hexdigest(), event["at"]
        tree.add(leaf(line))
        says, rotated = event["data"], None
        if event["type"] == "key.created" and says.get("kind") == "signing" and number == 0:
            in_use = says.get("key", in_use)
        if event["type"] == "key.rotated" and says.get("kind") == "signing":
            need(in_use in (None, says["before"]), f"event {number}: it rotates a key that is not in use")
            rotated, in_use = says["key"], says["before"]
            need(todo and todo[0][1] == tree.size, f"event {number}: the old key did not sign the new one")
        while todo and todo[0][1] == tree.size:
            note = todo.pop(0)
            need(
                note[2] == tree.root(), f"checkpoint of {tree.size} events: they are not those that it signs"
            )
            if in_use is not None:
                need_signature(note, in_use)
                signed = signed or in_use.strip() == key.strip()
        in_use = rotated or in_use
    events = tree.size - part["first"]
    need(whole or all(n[1] == notes[-1][1] for n in todo), "a checkpoint is of events that are not here")
    for count, root in part["after"]:
        tree.add(bytes.fromhex(root), count)
    newest = notes[-1]
    need(tree.size >= newest[1], f"event {tree.size}: it is missing; a checkpoint signs {newest[1]} events")
    need(tree.size == newest[1], f"event {newest[1]}: no checkpoint signs it: it was added later")
    need(tree.root() == newest[2], "the part is not one of the ledger that the checkpoint signs")
    if not whole or in_use.strip() == key.strip():
        need_signature(newest, key)
        signed = True
    need(signed, "the ledger was signed by other keys, and never by this one")
    what = "the whole ledger" if whole else f"events {part['first']} to {part['first'] + events - 1}"
    print(f"Verified: {what} of {newest[0]}: {events} events, {len({n[1] for n in notes})} checkpoints.")
    print(f"Last event at {last_at or 'no time'}; root {base64.b64encode(newest[2]).decode()}.")


def check_proof(path, key):
    """One record: that it was in a batch, and that the batch's events are in the ledger."""
    proof = json.loads(path.read_bytes().decode())
    formats = ("retention.proof/1", "retention.refusal/1")
    need(proof.get("format") in formats, "this is no proof of one record")
    _, size, root, *_ = note = read_note(proof["checkpoint"])
    need_signature(note, key)
    events = {}
    for name, shown in proof["events"].items():
        line = shown["line"].encode()
        events[name] = event = read_line(line, name)
        path_up = [bytes.fromhex(step) for step in shown["path"]]
        need(root_by(path_up, leaf(line), event["seq"], size) == root, f"{name}: it is not in the ledger")
    record = proof["record"]
    message = spelt(["retention/record/1", record["connector"], record["dataset"], record["key"]])
    if proof["format"] == formats[1]:
        check_refusal(proof, events, message)
        print(f"All of it is in the ledger {note[0]} as a checkpoint of {size} events signs it.")
        return
    intent, outcome = events["intent"], events["outcome"]
    begun = events["started"] if "started" in events else events["released"]
    batch, went = proof["batch"], outcome["data"]
    path_up = [bytes.fromhex(step) for step in batch["path"]]
    found = root_by(path_up, leaf(bytes.fromhex(proof["blind"]) + message), batch["index"], went["count"])
    need(found.hex() == went["root"], "the record is not in the batch")
    same = [intent["data"][name] == went[name] for name in ("run", "job", "batch", "root", "count")]
    done = outcome["type"] == "batch.committed"
    done = done or (outcome["type"] == "batch.reconciled" and went["outcome"] == "committed")
    need(intent["type"] == "batch.intent" and all(same) and done, "the batch was not carried out")
    rule, connector, dataset = went["job"].split("/")
    need((connector, dataset) == (record["connector"], record["dataset"]), "the batch is of other records")
    kind = "run.started" if "started" in events else "record.released"
    need(begun["type"] == kind and begun["data"]["run"] == went["run"], "the run is another one")
    said = [
        f"Proved: the record {connector}.{dataset} {','.join(record['key'])} was in batch {went['batch']}"
        f" of run {went['run']},",
        f"carried out by {outcome['at']} under the rule {rule} (event {outcome['seq']}).",
    ]
    if kind == "run.started":
        said.append(f"The run was started by {begun['data']['by']}, under policy {begun['data']['policy']}.")
    else:
        said[1] = f"carried out by {outcome['at']}: it went back from its vault (event {outcome['seq']})."
        said.append(f"It was released by {begun['data']['by']} ({begun['data']['reason']}).")
    for name in sorted(name for name in events if name.startswith("approval")):
        given = events[name]["data"]
        named = any((a["plan"], a["rule"]) == (given["plan"], rule) for a in begun["data"]["approvals"])
        need(events[name]["type"] == "approval.granted" and named, "the run does not name this approval")
        said.append(f"Approved by {given['by']} at {events[name]['at']} (plan {given['plan']}).")
    for change in events["promise"]["data"]["difference"] if "promise" in events else ():
        if change["path"] in (f"rules.{rule}.promise", f'rules."{rule}".promise'):
            need(events["promise"]["type"] == "policy.changed", "the promise is in no policy")
            said.append(f"The promise, as of event {events['promise']['seq']}: {change['new']}")
    print("\n".join(said))
    print(f"All of it is in the ledger {note[0]} as a checkpoint of {size} events signs it.")


def check_refusal(proof, events, message):
    """One record: that what a rule demands was refused for it, and why; the events are in the ledger."""
    refused, begun, record, place = events["refused"], events["started"], proof["record"], proof["group"]
    need(refused["type"] == "action.refused", "nothing was refused")
    group = refused["data"]["refused"][place["place"]]
    path_up = [bytes.fromhex(step) for step in place["path"]]
    found = root_by(path_up, leaf(bytes.fromhex(proof["blind"]) + message), place["index"], group["count"])
    need(found.hex() == group["root"], "the record is not among those that were refused")
    rule, connector, dataset = refused["data"]["job"].split("/")
    need((connector, dataset) == (record["connector"], record["dataset"]), "the refusal is of other records")
    same = begun["type"] == "run.started" and begun["data"]["run"] == refused["data"]["run"]
    need(same, "the run is another one")
    print(
        f"Proved: for the record {connector}.{dataset} {','.join(record['key'])} the rule {rule} was refused"
    )
    print(f"at {refused['at']} (event {refused['seq']}): {', '.join(group['actions'])}.")
    if group["instead"]:
        print(f"Done instead: {group['instead']}.")
    for each in group["because"]:
        words = [each[name] for name in ("kind", "by", "dataset", "basis", "citation") if name in each]
        print(f"Because: {', '.join(words)}.")


def main():
    parser = argparse.ArgumentParser(description="Checks an exported ledger, or one proof out of it.")
    parser.add_argument("key", nargs="?", default=str(HERE / "key.pub"), help="the public key's file")
    parser.add_argument("--proof", metavar="FILE", help="check this proof instead of the folder")
    given = parser.parse_args()
    try:
        key = pathlib.Path(given.key).read_text(encoding="utf-8")
        read_key(key)
        if given.proof:
            check_proof(pathlib.Path(given.proof), key)
        else:
            check_folder(HERE, key)
    except Wrong as error:
        sys.exit(f"NOT VERIFIED: {error}")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        sys.exit(f"NOT VERIFIED: a file is missing or damaged ({type(error).__name__}: {error})")


if __name__ == "__main__":
    main()
