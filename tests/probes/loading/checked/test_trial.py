"""Chat templates and tokenizers that take time or memory without bounds, or write without end."""

import json
import shutil
from pathlib import Path

import pytest
from transformers.utils import chat_template_utils

from data_prep.errors import UserError
from probes.loading.checked import trial, trial_child
from probes.loading.checked.trial import require_tame_texts
from tests.probes.loading.folders import edit

IMAGE = "<image>{{ messages[0].content[-1].text }}"


@pytest.fixture
def texts(model_folder, tmp_path):
    """The files of a model that hold its texts."""
    for name in ("tokenizer.json", "tokenizer_config.json", "processor_config.json"):
        shutil.copy(model_folder / name, tmp_path)
    return tmp_path


def refusal(folder) -> str:
    with pytest.raises(UserError) as refused:
        require_tame_texts(folder, "a model")
    return str(refused.value)


@pytest.fixture
def impatient(monkeypatch, tmp_path):
    """Bounds that are reached at once."""
    child = tmp_path / "child.py"
    content = Path(trial_child.__file__).read_text()
    content = content.replace("4 * 2**30, 10", "2**30, 1")
    child.write_text(content)
    monkeypatch.setattr(trial, "_CHILD", child)


LOOPS = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"


@pytest.mark.parametrize("template", [LOOPS, "{{ 'a' * 10**10 }}", "{{ 'ab' * 10**9 }}"])
def test_templates_without_bounds(texts, impatient, template):
    (texts / "chat_template.jinja").write_text(template + IMAGE)
    said = refusal(texts)
    assert "the chat template in chat_template.jinja of a model takes time or memory" in said


def test_a_template_that_writes_too_much(texts):
    edit(texts / "tokenizer_config.json", chat_template=IMAGE + "{{ 'word ' * 40000 }}")
    assert "in tokenizer_config.json of a model makes 200,0" in refusal(texts)
    edit(texts / "tokenizer_config.json", chat_template=[{"name": "a", "template": LOOPS[:0]}])
    require_tame_texts(texts, "a model")


def test_a_tokenizer_that_multiplies(texts, impatient):
    content = json.loads((texts / "tokenizer.json").read_text())
    replace = {"type": "Replace", "pattern": {"String": "e"}, "content": "e" * 10}
    content["normalizer"] = {"type": "Sequence", "normalizers": [replace] * 10}
    (texts / "tokenizer.json").write_text(json.dumps(content))
    assert "the tokenizer in tokenizer.json of a model takes time or memory" in refusal(texts)


@pytest.mark.parametrize("template", ["{% for", "{{ 1 / 0 }}", "{{ range(10**9) }}", "{{ a.b.c }}"])
def test_what_is_merely_wrong_is_left_to_its_reader(texts, template):
    (texts / "chat_template.jinja").write_text(template)
    require_tame_texts(texts, "a model")
    (texts / "tokenizer.json").write_text("{")
    require_tame_texts(texts, "a model")


def test_the_sandbox_is_that_of_transformers():
    theirs = chat_template_utils._compile_jinja_template("").environment
    ours = trial_child.environment()
    assert type(ours) is type(theirs)
    assert set(ours.filters) == set(theirs.filters)
    assert set(ours.globals) == set(theirs.globals)
    assert (ours.trim_blocks, ours.lstrip_blocks) == (theirs.trim_blocks, theirs.lstrip_blocks)
    marked = "{% generation %}said{% endgeneration %}{% for a in 'ab' %}{% break %}{% endfor %}"
    assert ours.from_string(marked).render() == "said"
