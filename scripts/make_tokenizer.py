#!/usr/bin/env python3
"""Trains data/tokenizer.json, the tokenizer inside the binary, and writes data/words.txt.

A maintainer's tool: users of tacho never run it. The tokenizer is a byte-level BPE with GPT-2's way
of splitting words, trained on data/conversations.json alone, so that it is ours to ship. It stands
in when the user names no tokenizer: its counts are near, not equal to, those of a given model.

data/words.txt is what the simulated engine writes: words that are exactly one token, with a space
before them and without, so that a text of n words joined by single spaces is exactly n tokens.

    pip install tokenizers==0.23.2
    scripts/make_tokenizer.py
"""
import collections
import json
import pathlib
import random
import re
import sys

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from make_conversations import describe, refuse_shared_prefixes

DATA = pathlib.Path(__file__).resolve().parent.parent / "data"
ENTRIES = 16_000
WORDS = 2_000
SPECIALS = ["<|bos|>", "<|eos|>", "<|im_start|>", "<|im_end|>"]


def common_words(texts):
    """The commonest lower-case words of the texts, and a quarter more of them than are wanted."""
    counts = collections.Counter()
    for text in texts:
        counts.update(re.findall(r"(?<= )[a-z]{2,14}(?=[ ,.])", text))
    return [word for word, _ in counts.most_common(WORDS + WORDS // 4)]


def train(texts, words):
    """Trains on the texts, and on each word alone so that it gets an entry of its own."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=ENTRIES, min_frequency=2, special_tokens=SPECIALS, show_progress=False,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()))
    alone = [space + word for word in words for space in ("", " ") for _ in range(4)]
    tokenizer.train_from_iterator(list(texts) + alone, trainer)
    return tokenizer


def count(tokenizer, text):
    return len(tokenizer.encode(text, add_special_tokens=False).ids)


def verified_words(tokenizer, words):
    """The words that are one token both ways, proved on random texts made of them."""
    good = [word for word in words
            if count(tokenizer, word) == 1 and count(tokenizer, " " + word) == 1][:WORDS]
    if len(good) < WORDS * 9 // 10:
        raise SystemExit(f"only {len(good)} words are one token; make the vocabulary larger")
    draw = random.Random(1)
    for _ in range(500):
        chosen = draw.choices(good, k=draw.randrange(1, 2_000))
        for text in (" ".join(chosen), " " + " ".join(chosen)):
            counted = count(tokenizer, text)
            if counted != len(chosen):
                raise SystemExit(f"a text of {len(chosen)} words has {counted} tokens")
    return sorted(good)


def main():
    entries = json.loads((DATA / "conversations.json").read_text(encoding="utf-8"))
    texts = [turn["value"] for entry in entries for turn in entry["conversations"]]
    words = common_words(texts)
    tokenizer = train(texts, words)
    for text in texts:
        ids = tokenizer.encode(text, add_special_tokens=False).ids
        if tokenizer.decode(ids, skip_special_tokens=False) != text:
            raise SystemExit(f"not restored by decoding: {text[:80]}")
    good = verified_words(tokenizer, words)
    refuse_shared_prefixes(entries, tokenizer)
    tokenizer.save(str(DATA / "tokenizer.json"), pretty=False)
    (DATA / "words.txt").write_text("".join(f"{word}\n" for word in good), encoding="utf-8")
    print(f"{tokenizer.get_vocab_size()} entries, {len(good)} words")
    describe(entries, tokenizer)


if __name__ == "__main__":
    sys.exit(main())
