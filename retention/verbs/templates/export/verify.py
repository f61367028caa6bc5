"""Checks an exported ledger, or one proof out of it. Needs Python 3.9 and the package `cryptography`.

    python3 verify.py key.pub                      the folder that this file lies in
    python3 verify.py key.pub --proof proof.json   that one record was in the ledger

Use a key.pub that you were given before, or by somebody else: a key that came with the folder shows
only that the folder was not changed after it was made.

What is checked is written down in public documents: the lines are canonical JSON (RFC 8785, without
floats), each names the SHA-256 of the line before; all lines are the leaves of a Merkle tree (RFC 6962,
2.1: a leaf is SHA-256 of 0 and a line, a node that of 1 and the two below it); its root is signed
(Ed25519) in "checkpoints", the signed notes of https://c2sp.org/tlog-checkpoint.
"""

import argparse
import base64
import collections
import hashlib
import json
import operator
import pathlib
import re
import sys

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
except ImportError:
    sys.exit("A package is missing; type: python -m pip install cryptography (with this same python)")

TIME = re.compile(r"\d{4}-\d\d-\d\dT([01]\d|2[0-3]):\d\d:\d\d\.\d{6}Z", re.ASCII)
NOTE = re.compile("((.+)\n(0|[1-9][0-9]{0,18})\n(.+)\n(?:.+\n)*)\n((?:— [^ \n]+ [^ \n]+\n)+)")
Note = collections.namedtuple("Note", "text origin size root signatures")
UTF_16 = operator.methodcaller("encode", "utf-16-be")
encode = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":")).encode


class Wrong(Exception):
    """What was given is not what was signed."""


def need(true, message):
    if not true:
        raise Wrong(message)


def shown(text):
    """With every character visible that could make a terminal show something else."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def read_key(text):
    """The one line of a key file, name+hash+base64 → name, the four bytes that stand for the key, the key."""
    found = re.fullmatch(r"(\S+?)\+([0-9a-f]{8})\+([A-Za-z0-9+/]{44})", text)
    need(found, "this is no public key of a ledger, which is one line: NAME+12345678+LETTERS")
    name, mark, raw = found[1], found[2], base64.b64decode(found[3])
    key_hash = sha256(name.encode(), b"\n", raw)[:4]
    need(raw[0] == 1 and key_hash.hex() == mark, "this public key is mistyped, or not one of a ledger")
    return name, key_hash, Ed25519PublicKey.from_public_bytes(raw[1:])


def read_note(note, name):
    """A checkpoint: the text that is signed, with the ledger's name, how many events, their root; and signatures."""
    found = NOTE.fullmatch(note)
    need(found and "\r" not in note, f"{name}: it is no signed checkpoint, or has line ends of Windows")
    text, origin, size, root, tail = found.groups()
    lines = [line.split(" ") for line in tail[:-1].split("\n")]
    signatures = [(who, base64.b64decode(data, validate=True)) for _, who, data in lines]
    return Note(text, origin, int(size), base64.b64decode(root, validate=True), signatures)


def need_signature(note, key_text):
    """The note is of the ledger that the key is for, and signed by the key."""
    name, key_hash, key = read_key(key_text)
    what = f"checkpoint of {note.size} events: "
    own = [raw[4:] for who, raw in note.signatures if (who, raw[:4]) == (name, key_hash)]
    need(note.origin == name, what + f"it is of another ledger, {note.origin}")
    need(own, what + f"it is not signed by the key in use then ({key_text})")
    try:
        for signature in own:
            key.verify(signature, note.text.encode())
    except InvalidSignature:
        raise Wrong(what + "its signature is wrong") from None


def add(tree, root, leaves=1):
    """Adds a leaf, or a complete subtree. A tree is kept as its complete subtrees, (leaves, root) of each."""
    while tree and tree[-1][0] == leaves:
        root, leaves = sha256(b"\1", tree.pop()[1], root), 2 * leaves
    fits = leaves > 0 == leaves & (leaves - 1) and (not tree or tree[-1][0] > leaves)
    need(fits, "range.json: a part of the tree does not fit")
    tree.append((leaves, root))


def root_of(tree):
    root = tree[-1][1] if tree else sha256()
    for _, left in reversed(tree[:-1]):
        root = sha256(b"\1", left, root)
    return root


def root_by(path, leaf, index, size):
    """The root that an inclusion proof (2.1.1) leads to; its last step is the other half of the whole tree."""
    need(0 <= index < size and bool(path) == (size > 1), "the proof is for no place, too long or too short")
    if size == 1:
        return leaf
    half, step = 1 << ((size - 1).bit_length() - 1), bytes.fromhex(path[-1])
    if index < half:
        return sha256(b"\1", root_by(path[:-1], leaf, index, half), step)
    return sha256(b"\1", step, root_by(path[:-1], leaf, index - half, size - half))


def need_plain(value, order, level=1):
    """JSON that all programs read alike: whole numbers only, names in the order of RFC 8785, at most 16 levels."""
    need(level <= 16, "it is nested deeper than 16")
    if isinstance(value, dict):
        need(list(value) == sorted(value, key=order), "the order of names was changed")
    for each in value.values() if isinstance(value, dict) else value:
        if isinstance(each, (dict, list)):
            need_plain(each, order, level + 1)
        elif not isinstance(each, str) and each is not None:
            need(isinstance(each, int) and abs(each) < 2**53, "it holds a float, or a number beyond 2^53 - 1")


def read_line(line, name):
    """The event of a line, which must be spelt in the one way that there is."""
    try:
        need(len(line) <= 2**20, "it is longer than a megabyte")
        event = json.loads(line.decode())
        need(encode(event).encode() == line, "a space, a line end, or an equal spelling, was changed")
        need_plain(event, order=None if line.isascii() else UTF_16)
        need(list(event) == ["at", "data", "prev", "seq", "type"], "it has other members")
        kinds = [type(event[member]) for member in ("data", "seq", "type")]
        need(kinds == [dict, int, str] and TIME.fullmatch(event["at"]), "its members are of other types")
        return event
    except (Wrong, ValueError, TypeError, RecursionError) as error:
        raise Wrong(f"event {name}: it is no line of a ledger: {error}") from None


def lines_of(folder):
    for path in sorted((folder / "segments").glob("*.jsonl")):
        with path.open("rb") as stream:
            while line := stream.readline(2**20 + 2):
                need(line.endswith(b"\n"), f"{path.name}: a line is torn, or longer than a megabyte")
                yield line[:-1]


def check_folder(folder, key):
    """Content, chain, tree, signatures, and that all checkpoints are of one history."""
    notes, tree = collections.defaultdict(list), []
    for path in (folder / "checkpoint", *(folder / "checkpoints").glob("*.note")):
        note = read_note(path.read_bytes().decode(), path.name)
        notes[note.size].append(note)
    newest, marks, path = notes[max(notes)][0], len(notes), folder / "range.json"
    part = json.loads(path.read_text()) if path.exists() else {"before": [], "after": []}
    for leaves, root in part["before"]:
        add(tree, bytes.fromhex(root), leaves)
    first = size = sum(leaves for leaves, _ in tree)
    prev, last_at, in_use, signers = "0" * 64, "", None if first else key, set()
    for note in notes.pop(0, ()):
        need(note.root == root_of(tree), "checkpoint of 0 events: it signs another ledger")
    for line in lines_of(folder):
        event, what = read_line(line, size), f"event {size}: "
        need(event["seq"] == size, what + f"in its place stands event {event['seq']}")
        follows = event["prev"] == prev or size == first > 0
        need(follows, what + "it does not follow the event before it: one of the two was changed")
        need(event["at"] >= last_at, what + "it is earlier than the event before it")
        prev, last_at, size = hashlib.sha256(line).hexdigest(), event["at"], size + 1
        add(tree, sha256(b"\0", line))
        says, next_key = event["data"], None
        if size == 1 and event["type"] == "key.created" and says.get("kind") == "signing":
            in_use = says.get("key", in_use)
        elif event["type"] == "key.rotated" and says.get("kind") == "signing":
            need(in_use in (None, says["before"]), what + "it rotates a key that is not in use")
            need(size in notes, what + "the old key did not sign the new one")
            in_use, next_key = says["before"], says["key"]
        for note in notes.pop(size, ()):
            need(note.root == root_of(tree), f"checkpoint of {size} events: they are not those that it signs")
            if in_use is not None:  # a part does not say whose turn it is before the first rotation in it
                need_signature(note, in_use)
                signers.add(in_use)
        in_use = next_key or in_use
    for leaves, root in part["after"]:
        add(tree, bytes.fromhex(root), leaves)
    total = sum(leaves for leaves, _ in tree)
    need(total >= newest.size, f"event {total}: it is missing; a checkpoint signs {newest.size} events")
    need(total == newest.size, f"event {newest.size}: no checkpoint signs it: it was added later")
    need(root_of(tree) == newest.root, "the part is not one of the ledger that the checkpoint signs")
    need(set(notes) <= {total}, "a checkpoint is of events that are not here")
    whole = (first, size) == (0, total)
    if not whole or in_use == key:
        need_signature(newest, key)
    else:
        need(key in signers, "the ledger was signed by other keys, and never by this one")
    what = "the whole ledger" if whole else f"events {first} to {size - 1}"
    return [
        f"Verified: {what} of {newest.origin}: {size - first} events, {marks} checkpoints.",
        f"Last event at {last_at or 'no time'}; root {base64.b64encode(newest.root).decode()}.",
    ]


def check_proof(path, key):
    """One record: that it was in a batch, or refused, and that the events which say so are in the ledger."""
    proof, events = json.loads(path.read_bytes().decode()), {}
    refused = proof["format"] == "retention.refusal/1"
    need(refused or proof["format"] == "retention.proof/1", "this is no proof of one record")
    note = read_note(proof["checkpoint"], "the checkpoint of the proof")
    need_signature(note, key)
    for name, event in proof["events"].items():
        line = event["line"].encode()
        events[name] = read_line(line, name)
        found = root_by(event["path"], sha256(b"\0", line), events[name]["seq"], note.size)
        need(found == note.root, f"{name}: it is not in the ledger")
    event, place = (events["refused"], proof["group"]) if refused else (events["outcome"], proof["batch"])
    went, record, released = event["data"], proof["record"], "released" in events
    group = went["refused"][place["place"]] if refused else went
    message = encode(["retention/record/1", record["connector"], record["dataset"], record["key"]])
    leaf = sha256(b"\0", bytes.fromhex(proof["blind"]), message.encode())
    found = root_by(place["path"], leaf, place["index"], group["count"])
    need(found.hex() == group["root"], "the record is not in the batch")
    rule, *dataset = went["job"].split("/")
    need(dataset == [record["connector"], record["dataset"]], "the batch is of other records")
    begun = events["released" if released else "started"]
    need(begun["type"] == ("record.released" if released else "run.started"), "no run began")
    run = begun["data"]
    need(run["run"] == went["run"], "the run is another one")
    what = f"the record {'.'.join(dataset)} {','.join(record['key'])}"
    when = f"{event['at']} (event {event['seq']})"
    if refused:
        need(event["type"] == "action.refused", "nothing was refused")
        said = [f"Proved: for {what} the rule {rule} was refused at {when}: {', '.join(group['actions'])}."]
        said.append(f"Done instead: {group['instead'] or 'nothing'}. Because: {encode(group['because'])}.")
    else:
        intent, kind = events["intent"], event["type"]
        same = all(intent["data"][name] == went[name] for name in ("run", "job", "batch", "root", "count"))
        done = kind == "batch.committed" or (kind == "batch.reconciled" and went["outcome"] == "committed")
        need(intent["type"] == "batch.intent" and same and done, "the batch was not carried out")
        said = [f"Proved: {what} was in batch {went['batch']} of run {went['run']},"]
        said.append(f"carried out by {when}" + ("." if released else f" under the rule {rule}."))
    if released:
        said.append(f"It went back from its vault, released by {run['by']} ({run['reason']}).")
    else:
        said.append(f"The run was started by {run['by']}, under policy {run['policy']}.")
    for approval in (events[name] for name in sorted(events) if name.startswith("approval")):
        given = approval["data"]
        known = any((each["plan"], each["rule"]) == (given["plan"], rule) for each in run["approvals"])
        need(approval["type"] == "approval.granted" and known, "the run does not name this approval")
        said.append(f"Approved by {given['by']} at {approval['at']} (plan {given['plan']}).")
    for change in events["promise"]["data"]["difference"] if "promise" in events else ():
        if change["path"] in (f"rules.{rule}.promise", f'rules."{rule}".promise'):
            need(events["promise"]["type"] == "policy.changed", "the promise is in no policy")
            said.append(f"The promise, as of event {events['promise']['seq']}: {change['new']}")
    said.append(f"All of it is in the ledger {note.origin} as a checkpoint of {note.size} events signs it.")
    return said


def main():
    parser = argparse.ArgumentParser(description="Checks an exported ledger, or one proof out of it.")
    parser.add_argument("key", type=pathlib.Path, help="the public key's file: your own copy of it")
    parser.add_argument("--proof", type=pathlib.Path, metavar="FILE", help="check this proof, not the folder")
    given, here = parser.parse_args(), pathlib.Path(__file__).resolve().parent
    sys.stdout.reconfigure(errors="backslashreplace")  # a name may have letters that this terminal has not
    try:
        key = given.key.read_text(encoding="utf-8-sig").strip()
        read_key(key)
        said = check_proof(given.proof, key) if given.proof else check_folder(here, key)
        print("\n".join(map(shown, said)))
    except Wrong as error:
        sys.exit(f"NOT VERIFIED: {shown(str(error))}")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        sys.exit(f"NOT VERIFIED: a file is missing or damaged ({type(error).__name__}: {shown(str(error))})")


if __name__ == "__main__":
    main()
