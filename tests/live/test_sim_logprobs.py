"""Log probabilities of `tacho sim`: whoever asks and however, the same token after the same tokens
has the same one, so that perplexities mean something."""

import json
import math

from harness import Sim, equal, get, test, true


def complete(sim, **ask):
    code, text = get(f"{sim.url}/v1/completions", body={"max_tokens": 8, "ignore_eos": True, **ask})
    equal(f"status of {ask}: {text[:200]}", code, 200)
    return json.loads(text)["choices"][0]


@test
def an_answer_scored_again_is_as_probable_as_it_was():
    """What an answer's own logprobs said of it, echo and prompt_logprobs say of it as a prompt."""
    prompt = "Once upon a time there was"
    with Sim() as sim:
        answer = complete(sim, prompt=prompt, logprobs=3)
        own = answer["logprobs"]
        equal("tokens", "".join(own["tokens"]), answer["text"])
        equal("how many", len(own["token_logprobs"]), 8)
        both = prompt + answer["text"]
        echo = complete(sim, prompt=both, logprobs=3, echo=True, max_tokens=0)
        equal("the text", echo["text"], both)
        again = echo["logprobs"]
        equal("the first has none", (again["token_logprobs"][0], again["top_logprobs"][0]),
              (None, None))
        equal("the answer's tokens", again["tokens"][-8:], own["tokens"])
        equal("the same logprobs", again["token_logprobs"][-8:], own["token_logprobs"])
        equal("the same others", again["top_logprobs"][-8:], own["top_logprobs"])
        equal("offsets", [both[at:at + len(token)] for at, token
                          in zip(again["text_offset"], again["tokens"], strict=True)],
              again["tokens"])
        scored = complete(sim, prompt=both, prompt_logprobs=0, max_tokens=1)["prompt_logprobs"]
        equal("prompt_logprobs", [next(iter(entry.values()))["logprob"] for entry in scored[1:]],
              again["token_logprobs"][1:])
        ids = json.loads(get(f"{sim.url}/tokenize", body={"prompt": both})[1])["tokens"]
        equal("as tokens", complete(sim, prompt=ids, logprobs=3, echo=True, max_tokens=0)
              ["logprobs"], again)
        equal("the same answer to the prompt as tokens",
              complete(sim, prompt=ids[:-8], logprobs=3)["logprobs"], own)


@test
def chat_logprobs_streamed_or_whole():
    """A chat's logprobs are the same in a stream and in a whole answer, and need not be asked for
    to get the same text."""
    with Sim() as sim:
        ask = {"messages": [{"role": "user", "content": "Say a few words."}], "max_tokens": 6,
               "ignore_eos": True}
        url = f"{sim.url}/v1/chat/completions"
        plain = json.loads(get(url, body=ask)[1])["choices"][0]
        equal("none without asking", plain["logprobs"], None)
        ask.update(logprobs=True, top_logprobs=2)
        whole = json.loads(get(url, body=ask)[1])["choices"][0]
        equal("the text", whole["message"]["content"], plain["message"]["content"])
        entries = whole["logprobs"]["content"]
        equal("tokens", "".join(entry["token"] for entry in entries), plain["message"]["content"])
        for entry in entries:
            tops = {top["token"]: top["logprob"] for top in entry["top_logprobs"]}
            equal("the chosen one is among them", tops[entry["token"]], entry["logprob"])
            true("two, or three with it", len(tops) in (2, 3))
            true("less than certain", sum(map(math.exp, tops.values())) < 1)
            equal("bytes", bytes(entry["bytes"]).decode(), entry["token"])
        streamed = []
        for line in get(url, body={**ask, "stream": True})[1].splitlines():
            if line.startswith("data: {"):
                for choice in json.loads(line[6:])["choices"]:
                    streamed += (choice["logprobs"] or {"content": []})["content"]
        equal("streamed", streamed, entries)


@test
def a_known_perplexity():
    """Greedy answers are the likeliest tokens, drawn ones have the entropy of their distributions:
    the perplexity of the first is below that of the second, and that below the vocabulary's."""
    with Sim() as sim:
        def perplexity(**ask):
            values = complete(sim, prompt="It was", max_tokens=400, logprobs=1,
                              **ask)["logprobs"]["token_logprobs"]
            return math.exp(-sum(values) / len(values))
        greedy, drawn, other = perplexity(temperature=0), perplexity(), perplexity(seed=9)
        text = complete(sim, prompt="The quick brown fox jumps over the lazy dog. " * 8,
                        logprobs=1, echo=True, max_tokens=0)["logprobs"]["token_logprobs"][1:]
        foreign = math.exp(-sum(text) / len(text))
        true(f"{greedy} < {drawn} < {foreign}", greedy < drawn < foreign)
        true(f"drawn twice alike: {drawn}, {other}", 0.7 < drawn / other < 1.4)
        equal("the likeliest", complete(sim, prompt="It was", logprobs=1, temperature=0)
              ["logprobs"]["tokens"][0],
              max(complete(sim, prompt="It was", logprobs=5)["logprobs"]["top_logprobs"][0].items(),
                  key=lambda item: item[1])[0])


@test
def a_conversation_is_found_in_the_cache():
    """The next turn finds the prompt and the answer of the one before it."""
    with Sim() as sim:
        url = f"{sim.url}/v1/chat/completions"
        turns = [{"role": "user", "content": "Tell me a story about a dog and a cat. " * 4}]
        ask = {"max_tokens": 96, "ignore_eos": True}
        first = json.loads(get(url, body={**ask, "messages": turns})[1])
        turns += [{"role": "assistant", "content": first["choices"][0]["message"]["content"]},
                  {"role": "user", "content": "And then?"}]
        second = json.loads(get(url, body={**ask, "messages": turns})[1])["usage"]
        before = first["usage"]["total_tokens"]
        cached = second["prompt_tokens_details"]["cached_tokens"]
        equal("the tokens of both", cached, (before - 1) // 16 * 16)
        true("more than the prompt", cached > first["usage"]["prompt_tokens"])
