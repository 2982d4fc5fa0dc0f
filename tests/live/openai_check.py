"""Runs inside the virtual environment that holds the official client: every call that we promise.

    python openai_check.py BASE_URL MODEL

Prints one line for each call that went as it should; any exception is a failure.
"""
import sys

import openai


def said(what):
    print(what, flush=True)


def chat(client, model):
    ask = {"model": model, "messages": [{"role": "user", "content": "Say a few words."}],
           "max_tokens": 6}
    whole = client.chat.completions.create(**ask)
    assert whole.choices[0].message.role == "assistant" and whole.choices[0].message.content
    assert whole.choices[0].finish_reason in ("stop", "length")
    assert whole.usage.total_tokens == whole.usage.prompt_tokens + whole.usage.completion_tokens
    said("chat")
    text, usage, reasons = "", None, []
    for chunk in client.chat.completions.create(**ask, stream=True,
                                                stream_options={"include_usage": True}):
        if chunk.usage:
            usage = chunk.usage
        for choice in chunk.choices:
            text += choice.delta.content or ""
            reasons.append(choice.finish_reason)
    assert text == whole.choices[0].message.content, (text, whole)
    assert [reason for reason in reasons if reason] == [whole.choices[0].finish_reason]
    assert usage == whole.usage, (usage, whole.usage)
    said("chat stream with usage")
    chunks = list(client.chat.completions.create(**ask, stream=True))
    assert not any(chunk.usage for chunk in chunks)
    said("chat stream without usage")
    parts = [{"type": "text", "text": "Say a "}, {"type": "text", "text": "few words."}]
    ask["messages"] = [{"role": "system", "content": "Be brief."},
                       {"role": "user", "content": parts}]
    assert client.chat.completions.create(**ask,
                                          max_completion_tokens=4).usage.completion_tokens <= 4
    said("chat of several parts")


def completions(client, model):
    ask = {"model": model, "prompt": "Once upon a time", "max_tokens": 5}
    whole = client.completions.create(**ask)
    assert whole.object == "text_completion" and whole.choices[0].text
    said("completion")
    chunks = list(client.completions.create(**ask, stream=True))
    pieces = [chunk.choices[0].text for chunk in chunks if chunk.choices]
    assert "".join(pieces) == whole.choices[0].text and len(pieces) >= 1
    said("completion stream")


def embeddings(client, model):
    for encoding in ("float", openai.NOT_GIVEN):
        answer = client.embeddings.create(model=model, input=["one", "two"],
                                          encoding_format=encoding)
        assert [item.index for item in answer.data] == [0, 1]
        assert all(isinstance(x, float) for item in answer.data for x in item.embedding)
        assert answer.usage.prompt_tokens == 2
        said(f"embeddings ({encoding if encoding == 'float' else 'the default encoding'})")


def errors(base_url, client, model):
    for call, kind in (
            (lambda: client.chat.completions.create(model="nothing",
                                                    messages=[{"role": "user", "content": "x"}]),
             openai.NotFoundError),
            (lambda: client.chat.completions.create(model=model, messages=[]),
             openai.BadRequestError),
            (lambda: openai.OpenAI(base_url=base_url, api_key="wrong", max_retries=0).models.list(),
             openai.AuthenticationError)):
        try:
            call()
            raise SystemExit(f"no {kind.__name__}")
        except kind as error:
            assert error.status_code
    said("errors")


def main():
    base_url, model = sys.argv[1:]
    client = openai.OpenAI(base_url=base_url, api_key="sk-test", max_retries=0)
    assert [listed.id for listed in client.models.list()] == [model]
    said("models")
    chat(client, model)
    completions(client, model)
    embeddings(client, model)
    errors(base_url, client, model)


if __name__ == "__main__":
    main()
