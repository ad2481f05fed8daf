"""A program of its own: tries the texts of a model folder, with bounds on its time and memory.

Started by `trial` as `python trial_child.py FOLDER`. A chat template is a program, and so are the
rules of a tokenizer: both can run for ever, and a tokenizer out of memory ends its whole process.
It writes the name of each step before it is begun, and "done" at the end; it imports nothing of
ours and neither torch nor transformers, for it must begin at once.
"""

import json
import resource
import sys
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

MOST_MEMORY, MOST_SECONDS = 4 * 2**30, 10
MOST_SIGNS, MOST_TOKENS = 32_768, 32_768
"""In the prompt of one short question: more than ten times the longest that is known."""
_QUESTION, _ANSWER = "What color is the thing?", "Red"
# Every sign that a question is likely to hold, since a rule can wait for one of them.
_SIGNS = "".join(map(chr, range(0x20, 0x7F))) + "\n\t\u00e4\u00e9\u4ec0\u4e48\u2581\u0120"


def templates_of(folder: Path) -> dict[str, str]:
    """Every chat template in a folder, by the file that it stands in.

    >>> from probes.loading.identity import BUNDLED_FOLDER
    >>> list(templates_of(BUNDLED_FOLDER))
    ['chat_template.jinja']
    """
    found = {
        path.name: path.read_text(encoding="utf-8")
        for path in (*folder.glob("*.jinja"), *folder.glob("additional_chat_templates/*.jinja"))
    }
    for name in ("chat_template.json", "processor_config.json", "tokenizer_config.json"):
        if not (folder / name).is_file():
            continue
        kept = json.loads((folder / name).read_text(encoding="utf-8")).get("chat_template")
        each = kept if isinstance(kept, list) else [kept]
        if isinstance(kept, dict):
            each = list(kept.values())
        for place, one in enumerate(each):
            text = one.get("template") if isinstance(one, dict) else one
            if isinstance(text, str):
                found[f"{name} ({place})" if len(each) > 1 else name] = text
    return found


def environment() -> Any:
    """The sandbox of transformers, without its bookkeeping of what an assistant said.

    >>> environment().from_string("{{ text | tojson }}").render(text="é")
    '"é"'
    """
    import jinja2
    from jinja2.ext import Extension, loopcontrols
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Generation(Extension):
        # RUF012 wants a ClassVar; jinja reads the tags of an extension from a plain set.
        tags = {"generation"}  # noqa: RUF012

        def parse(self, parser: Any) -> Any:
            next(parser.stream)
            return parser.parse_statements(["name:endgeneration"], drop_needle=True)

    def raise_exception(message: str) -> None:
        raise jinja2.TemplateError(message)

    def tojson(x: Any, ensure_ascii: bool = False, **options: Any) -> str:
        return json.dumps(x, ensure_ascii=ensure_ascii, **options)

    made = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols]
    )
    made.filters["tojson"] = tojson
    made.globals |= {
        "raise_exception": raise_exception,
        "strftime_now": lambda form: datetime.now().strftime(form),
    }
    return made


def conversations() -> list[tuple[list[dict[str, Any]], bool]]:
    """What templates are given later, and whether the answer is still to come.

    >>> [(len(turns), to_come) for turns, to_come in conversations()]
    [(1, True), (2, False), (1, True), (2, False)]
    """
    parts = [{"type": "image"}, {"type": "text", "text": _QUESTION}]
    said = {"role": "assistant", "content": [{"type": "text", "text": _ANSWER}]}
    found: list[tuple[list[dict[str, Any]], bool]] = []
    for content, answer in (
        (parts, said),
        (f"<image>\n{_QUESTION}", {"role": "assistant", "content": _ANSWER}),
    ):
        asked = {"role": "user", "content": content}
        found += [([asked], True), ([asked, answer], False)]
    return found


def rendered(template: str) -> list[str]:
    """What a template makes of these conversations; those that it refuses are left out.

    >>> rendered("{{ messages | length }}")
    ['1', '2', '1', '2']
    """
    texts = []
    for turns, to_come in conversations():
        try:
            texts.append(
                environment()
                .from_string(template)
                .render(
                    messages=turns,
                    add_generation_prompt=to_come,
                    tools=None,
                    documents=None,
                    bos_token="<s>",
                    eos_token="</s>",
                    pad_token="<pad>",
                    unk_token="<unk>",
                    image_token="<image>",
                )
            )
        except MemoryError:
            raise
        # A template is a program and raises anything. What it refuses here it refuses later too,
        # where more can be said; this is about time and memory alone.
        except Exception:
            continue
    return texts


def _bound(what: int, most: int) -> None:
    """Set a limit of this process; one that it was started with stays if it is lower."""
    _, hard = resource.getrlimit(what)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(what, (most, most))


def _main(folder: Path) -> None:
    """Try all templates of a folder, and then its tokenizer on what they made."""
    _bound(resource.RLIMIT_CPU, MOST_SECONDS)
    _bound(resource.RLIMIT_CORE, 0)
    with suppress(OSError, ValueError):  # macOS does not know it; the bound of time holds there
        _bound(resource.RLIMIT_AS, MOST_MEMORY)
    texts = [_QUESTION, _SIGNS]
    try:
        templates = templates_of(folder)
    except (OSError, ValueError, AttributeError):
        templates = {}  # who reads the files later says what is wrong with them
    for name, template in templates.items():
        print(f"the chat template in {name}", flush=True)
        for text in rendered(template):
            if len(text) > MOST_SIGNS:
                raise SystemExit(f"makes {len(text):,} signs of a short question")
            texts.append(text)
    file = folder / "tokenizer.json"
    if file.is_file():
        from tokenizers import Tokenizer

        print("the tokenizer in tokenizer.json", flush=True)
        try:
            tokenizer = Tokenizer.from_file(str(file))
        # The library raises Exception itself. Transformers reads the same file next, and the error
        # of that is shown; what is tried here is time and memory.
        except Exception:
            print("done", flush=True)
            return
        for text in texts:
            n_tokens = len(tokenizer.encode(text).ids)
            if n_tokens > MOST_TOKENS:
                raise SystemExit(f"makes {n_tokens:,} tokens of a short question")
    print("done", flush=True)


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
