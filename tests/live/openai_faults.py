"""Runs inside the virtual environment of the official client: one streamed chat for each fault.

    python openai_faults.py BASE_URL MODEL FAULT ...

Prints a line of JSON for each: the exception that the client raised ("" for none), what it read as
text, how many chunks, and the finish reason.
"""
import json
import sys

import openai


def ask(client, model, fault):
    said = {"fault": fault, "error": "", "text": "", "chunks": 0, "reason": None}
    try:
        stream = client.chat.completions.create(
            model=model, messages=[{"role": "user", "content": "Say a few words."}], max_tokens=12,
            stream=True, extra_body={"ignore_eos": True}, extra_headers={"X-Tacho-Fault": fault},
            timeout=0.5 if fault == "no_answer" else 30)
        for chunk in stream:
            said["chunks"] += 1
            for choice in chunk.choices:
                said["text"] += choice.delta.content or ""
                said["reason"] = choice.finish_reason or said["reason"]
    except Exception as error:  # Whatever it is, its name is the result.
        said["error"] = type(error).__name__
    return said


def main():
    base_url, model, *faults = sys.argv[1:]
    client = openai.OpenAI(base_url=base_url, api_key="sk-test", max_retries=0)
    for fault in faults:
        print(json.dumps(ask(client, model, fault)), flush=True)


if __name__ == "__main__":
    main()
