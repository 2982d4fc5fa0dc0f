#!/usr/bin/env python3
"""Makes a model for a real engine to serve in the tests: real in its form, its weights at random.

    make_tiny_model.py FOLDER

Writes tokenizer.json, a byte-level BPE of 1,024 entries trained on data/conversations.json alone,
and tiny.gguf, a Llama of two layers that uses it: less than 1 MB, thousands of tokens a second on
one core. What it says is noise; that it says it token by token, over a real server, is what counts.
Needs gguf==0.19.0 and tokenizers==0.23.2, which scripts/setup_engine.sh installs.
"""
import json
import pathlib
import sys

import gguf
import numpy
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

CONVERSATIONS = pathlib.Path(__file__).resolve().parent.parent / "data" / "conversations.json"
ENTRIES = 1024
# Ids are positions: 0 begins, 1 ends a text, 2 and 3 stand around a message.
SPECIALS = ["<|bos|>", "<|eos|>", "<|im_start|>", "<|im_end|>"]
BEGIN, END_OF_TURN = 0, 3

WIDTH, LAYERS, HEADS, INNER, CONTEXT = 64, 2, 4, 128, 4096
SPREAD = 0.3  # Of the weights: wide enough that answers differ, and nothing overflows.
SEED = 7

CHAT_TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}")


def train_tokenizer():
    """GPT-2's kind of tokenizer, which GGUF's tokenizer model `gpt2` reproduces token for token."""
    entries = json.loads(CONVERSATIONS.read_text(encoding="utf-8"))
    texts = [turn["value"] for entry in entries for turn in entry["conversations"]]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(texts, trainers.BpeTrainer(
        vocab_size=ENTRIES, special_tokens=SPECIALS, show_progress=False,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet())))
    return tokenizer


def describe(writer, vocabulary_size):
    """The shape of the model."""
    writer.add_name("tacho-tiny")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_vocab_size(vocabulary_size)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)


def add_tokenizer(writer, tokenizer):
    """The same entries and merges as tokenizer.json, in the order of their ids."""
    model = json.loads(tokenizer.to_str())["model"]
    entries = sorted(model["vocab"], key=model["vocab"].get)
    control, normal = gguf.TokenType.CONTROL, gguf.TokenType.NORMAL
    kinds = [control if entry in SPECIALS else normal for entry in entries]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(entries)
    writer.add_token_types(kinds)
    writer.add_token_merges([" ".join(merge) for merge in model["merges"]])
    writer.add_bos_token_id(BEGIN)
    writer.add_eos_token_id(END_OF_TURN)
    writer.add_add_bos_token(False)
    writer.add_chat_template(CHAT_TEMPLATE)


def add_weights(writer, vocabulary_size):
    """Random matrices; the norms are ones."""
    random = numpy.random.default_rng(SEED)

    def matrix(name, rows, columns):
        values = random.standard_normal((rows, columns)) * SPREAD
        writer.add_tensor(f"{name}.weight", values.astype(numpy.float32))

    def norm(name):
        writer.add_tensor(f"{name}.weight", numpy.ones(WIDTH, numpy.float32))

    matrix("token_embd", vocabulary_size, WIDTH)
    norm("output_norm")
    matrix("output", vocabulary_size, WIDTH)
    for layer in (f"blk.{i}" for i in range(LAYERS)):
        norm(f"{layer}.attn_norm")
        norm(f"{layer}.ffn_norm")
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            matrix(f"{layer}.{part}", WIDTH, WIDTH)
        matrix(f"{layer}.ffn_gate", INNER, WIDTH)
        matrix(f"{layer}.ffn_up", INNER, WIDTH)
        matrix(f"{layer}.ffn_down", WIDTH, INNER)


def main():
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    folder = pathlib.Path(sys.argv[1])
    tokenizer = train_tokenizer()
    size = tokenizer.get_vocab_size()
    writer = gguf.GGUFWriter(str(folder / "tiny.gguf"), "llama")
    describe(writer, size)
    add_tokenizer(writer, tokenizer)
    add_weights(writer, size)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    tokenizer.save(str(folder / "tokenizer.json"))
    print(f"{folder / 'tiny.gguf'}: {size} entries")


if __name__ == "__main__":
    main()
