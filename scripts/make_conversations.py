#!/usr/bin/env python3
"""Builds data/conversations.json, the dataset inside the binary, from hand-written text files.

A maintainer's tool: users of tacho never run it, and the source texts are not part of the
repository. The dataset must be fit for load tests, so this script refuses what would spoil one: two
conversations whose first messages share 20 tokens (a server's prefix cache would answer from
memory), roles that do not alternate, too few conversations, or too little English or Chinese.

    pip install tokenizers==0.23.2
    scripts/make_conversations.py FOLDER_WITH_TEXTS     # writes data/conversations.json
    scripts/make_tokenizer.py                           # trains data/tokenizer.json on it
    scripts/make_conversations.py --check             # checks the written file, prints its figures

A source file holds conversations between markers that stand alone on their lines:
`@@@ conversation`, then `@@@ human` and `@@@ gpt` in turns.
"""
import argparse
import collections
import json
import pathlib
import re
import statistics
import sys

DATA = pathlib.Path(__file__).resolve().parent.parent / "data"
SHARED_TOKENS = 20
MARKER = re.compile(r"^@@@ (conversation|human|gpt)[ \t]*$", re.MULTILINE)

# Common short words; the language of a text is the one whose words it uses most.
STOPWORDS = {
    "en": "the of and to in is you that it for on are with as this be have or not what your can my",
    "es": "de la que el en los del se las por un para con no una su al es lo como más está",
    "fr": "de la le et les des en un du une que est pour qui dans par plus pas au sur ne je vous",
    "de": "der die und den von zu das mit sich des auf für ist im dem nicht ein eine als ich wie",
    "pt": "de que não uma os no se na por mais as dos como mas foi ao ele das você é um para com",
    "it": "di che è la il un per non una sono con mi ho lo ha le si della gli come anche più",
    "nl": "de het een van en is dat op te zijn met voor niet die er aan ook als maar om ik je",
}
STOPWORDS = {language: set(words.split()) for language, words in STOPWORDS.items()}


def language_of(text):
    """Returns "en", "zh" or "xx" (anything else) by what the text is made of, code left out."""
    text = re.sub(r"```.*?(```|$)", "", text, flags=re.DOTALL)
    han = len(re.findall(r"[\u4e00-\u9fff]", text))
    others = len(re.findall(r"[\u3040-\u30ff\uac00-\ud7af\u0370-\u06ff\u0900-\u0e7f]", text))
    words = re.findall(r"[a-zà-ÿ]+", text.lower())
    # A Chinese character says about as much as half an English word.
    if others > 0.2 * (han + len(words)):
        return "xx"
    if han / 2 > len(words):
        return "zh"
    hits = collections.Counter()
    for word in words:
        for language, known in STOPWORDS.items():
            hits[language] += word in known
    best = hits.most_common(1)
    return "en" if not best or best[0][0] == "en" else "xx"


def read_source(path):
    """Yields the conversations of one source file as lists of (role, text)."""
    parts = MARKER.split(path.read_text(encoding="utf-8"))
    turns = []
    if parts[0].strip():
        raise SystemExit(f"{path}: text before the first marker")
    for kind, text in zip(parts[1::2], parts[2::2]):
        if kind == "conversation":
            if turns:
                yield turns
            turns = []
        else:
            turns.append((kind, text.strip("\n").rstrip()))
    if turns:
        yield turns


def build(folder):
    """Reads every source file and returns the dataset as ShareGPT entries."""
    entries, counts = [], collections.Counter()
    for path in sorted(folder.glob("*.txt")):
        for turns in read_source(path):
            language = language_of("\n".join(text for _, text in turns))
            counts[language] += 1
            entries.append({
                "id": f"tacho-{language}-{counts[language]:03d}",
                "conversations": [{"from": role, "value": text} for role, text in turns],
            })
    return entries


def refuse_bad_shape(entries, minimum):
    """Ends the program when a conversation or the whole set is not as promised."""
    for entry in entries:
        turns = entry["conversations"]
        wanted = [("human", "gpt")[i % 2] for i in range(len(turns))]
        if not turns or len(turns) % 2 or [turn["from"] for turn in turns] != wanted:
            roles = " ".join(turn["from"] for turn in turns)
            raise SystemExit(f"{entry['id']}: roles must alternate human, gpt; they are: {roles}\n"
                             f"  {turns[0]['value'][:80] if turns else ''}")
        if not all(turn["value"].strip() for turn in turns):
            raise SystemExit(f"{entry['id']}: an empty message")
    if len(entries) < minimum:
        raise SystemExit(f"{len(entries)} conversations; at least {minimum} are wanted")
    share = collections.Counter(entry["id"].split("-")[1] for entry in entries)
    for language in ("en", "zh"):
        if share[language] * 3 < len(entries):
            raise SystemExit(f"{share[language]} of {len(entries)} conversations are {language}; "
                             "a third is wanted")


def refuse_shared_prefixes(entries, tokenizer):
    """Ends the program when two first messages begin with the same tokens."""
    seen = {}
    for entry in entries:
        text = entry["conversations"][0]["value"]
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        # A message shorter than the limit collides only with one that is the same to its end.
        key = tuple(ids[:SHARED_TOKENS])
        if key in seen:
            raise SystemExit(f"{entry['id']} and {seen[key]} share their first {len(key)} tokens")
        seen[key] = entry["id"]


def describe(entries, tokenizer):
    """Prints the figures that docs/datasets.md quotes."""
    share = collections.Counter(entry["id"].split("-")[1] for entry in entries)
    turns = sum(len(entry["conversations"]) for entry in entries)
    multi = sum(len(entry["conversations"]) > 2 for entry in entries)
    print(f"{len(entries)} conversations, {turns} messages, {multi} with several turns;",
          dict(share))
    for index, name in ((0, "first human message"), (1, "first gpt message")):
        texts = [entry["conversations"][index]["value"] for entry in entries]
        counts = sorted(len(tokenizer.encode(text, add_special_tokens=False).ids) for text in texts)
        median, p90 = counts[len(counts) // 2], counts[len(counts) * 9 // 10]
        print(f"{name}: tokens mean {statistics.mean(counts):.0f}, median {median}, p90 {p90},"
              f" max {counts[-1]}")
    for language in ("en", "zh", "xx"):
        texts = [turn["value"] for entry in entries if f"-{language}-" in entry["id"]
                 for turn in entry["conversations"]]
        tokens = sum(len(tokenizer.encode(text, add_special_tokens=False).ids) for text in texts)
        characters = sum(map(len, texts)) or 1
        print(f"{language}: {tokens / characters:.3f} tokens per character")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=pathlib.Path, help="where the source texts are")
    parser.add_argument("--check", action="store_true", help="only check data/conversations.json")
    parser.add_argument("--minimum", type=int, default=300, help="conversations wanted [300]")
    options = parser.parse_args()
    target = DATA / "conversations.json"
    if options.check:
        entries = json.loads(target.read_text(encoding="utf-8"))
    elif options.folder:
        entries = build(options.folder)
    else:
        parser.error("give the folder of the source texts, or --check")
    refuse_bad_shape(entries, options.minimum)
    if not options.check:
        # One conversation a line: a change shows as one line in a diff.
        lines = ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in entries)
        DATA.mkdir(exist_ok=True)
        target.write_text(f"[\n{lines}\n]\n", encoding="utf-8")
    if not (DATA / "tokenizer.json").exists():
        print("no data/tokenizer.json yet: run scripts/make_tokenizer.py, then this with --check")
        return
    from tokenizers import Tokenizer
    tokenizer = Tokenizer.from_file(str(DATA / "tokenizer.json"))
    refuse_shared_prefixes(entries, tokenizer)
    describe(entries, tokenizer)


if __name__ == "__main__":
    sys.exit(main())
