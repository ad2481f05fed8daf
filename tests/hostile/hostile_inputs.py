"""Inputs of a kind of file that are damaged, or made by bad will."""

import json

from hypothesis import strategies as st

from tests.hostile.good_inputs import SHARD, good_folder, index_of, study_lines, table_rows
from tests.hostile.mutations import VALUES, damaged_bytes, damaged_json


@st.composite
def headers(draw: st.DrawFn) -> bytes:
    """A file of safetensors with a damaged header."""
    content = (good_folder("llava") / "model.safetensors").read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = draw(damaged_json(json.loads(content[8 : 8 + length])))
    told = draw(st.sampled_from([len(header), len(header), 0, 2**40, 2**63, len(header) + 8]))
    return told.to_bytes(8, "little") + header + content[8 + length :]


PIECES = (
    "{{ bos_token }}", "{% for m in messages %}{{ m }}{% endfor %}", "<image>", "USER: ",
    "{% for i in range(10**9) %}{% endfor %}", "{{ 'x' * 10**10 }}", "{{ 'a ' * 40000 }}",
    "{% set x = 'x' * 10**6 %}{{ x * 10**6 }}", "{{ ''.__class__.__mro__ }}", "{% raw %}", "{{",
    "{{ messages[0].content }}", "{{ raise_exception('no') }}", "{% include '/etc/passwd' %}",
    "{% macro f(n) %}{{ f(n) }}{% endmacro %}{{ f(1) }}", "{{ 10 ** 10 ** 10 }}", "\x00", "</s>",
    "{{ cycler.__init__.__globals__ }}", "{{ lipsum() }}", "{% for a in messages %}", "\ud7ff",
)  # fmt: skip


@st.composite
def studies(draw: st.DrawFn) -> bytes:
    """A study file: good lines, and lines with other values."""
    lines = list(study_lines())
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(lines) - 1))
        name = lines[place].partition(" = ")[0]
        value = draw(st.sampled_from(VALUES))
        text = json.dumps(value) if draw(st.booleans()) else str(value)
        lines[place] = f"{name} = {text}"
    content = "\n".join(lines).encode("utf-8", "surrogatepass")
    return draw(damaged_bytes(content)) if draw(st.integers(0, 4)) == 0 else content


@st.composite
def tables(draw: st.DrawFn) -> bytes:
    """A CSV of labels: cells, separators, ends of lines and encodings of all kinds."""
    rows = table_rows()
    cells = st.one_of(
        st.sampled_from([cell for row in rows for cell in row]),
        st.text(max_size=8),
        st.sampled_from([str(each)[:500] for each in VALUES if each != 10**400]),
    )
    mark = draw(st.sampled_from([",", ",", ",", ";", "\t", "|"]))
    end = draw(st.sampled_from(["\n", "\n", "\r\n", "\r", "\n\n"]))
    for _ in range(draw(st.integers(0, 3))):
        row = draw(st.sampled_from(rows))
        row[draw(st.integers(0, len(row) - 1))] = draw(cells)
        if draw(st.booleans()):
            row.append(draw(cells))
    text = end.join(mark.join(row) for row in rows)
    encoding = draw(st.sampled_from(["utf-8", "utf-8", "utf-8-sig", "utf-16", "cp1252"]))
    return text.encode(encoding, "replace")


def indices() -> st.SearchStrategy[bytes]:
    """Indices of weights that name files of all kinds."""
    names = (SHARD, "outside.safetensors", "../outside.safetensors", "pytorch_model.bin",
             "/etc/passwd", "", "model.py")  # fmt: skip
    return st.one_of(
        st.sampled_from(names).map(index_of), damaged_json(json.loads(index_of(SHARD)))
    )
