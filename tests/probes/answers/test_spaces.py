"""What stands between a prompt and an answer."""

import pytest

from probes.families import Family
from probes.prompts import Prompts

TURNS = (
    "{% for message in messages %}{% if message.role == 'user' %}{% for part in message.content %}"
    "{% if part.type == 'image' %}<image>{% else %}{{ part.text }}{% endif %}{% endfor %}"
    "{% else %}ANSWERED{{ message.content[0].text }}</s>{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}ASKED{% endif %}"
)


def template(asked: str, answered: str) -> str:
    turns = TURNS.replace("ASKED", asked).replace("ANSWERED", answered)
    # A line break after a statement would be taken away.
    return turns.replace("\n", "{{ '\\n' }}")


@pytest.mark.parametrize(
    ("question", "space"),
    [
        ("Shape:", " "),
        ("What shape is it?", " "),
        ("It is a", " "),
        ("Form: ", ""),
        ("Shape:\n", ""),
        ("Shape:\t", ""),
        # These signs are meant: no space is written after full-width ones.
        ("形状：", ""),  # noqa: RUF001
        ("形状は？", ""),  # noqa: RUF001
        ("形", ""),
        ('It is a "', ""),
        ("It is a (", ""),
        ("It is “", ""),
    ],
)
def test_the_end_of_a_bare_prompt_tells_what_it_wants(build_processor, question, space):
    prompts = Prompts(build_processor(template=None), Family(), "bare")
    assert prompts.text(question).endswith(question)
    assert prompts.space(question) == space


def test_after_a_control_token_no_space_is_wanted(build_processor):
    assert (
        Prompts(build_processor(template=None), Family(ending="</s>"), "bare").space("Yes?") == ""
    )


def test_the_form_of_a_family_tells_it_without_a_template(build_processor):
    processor = build_processor(template=None)
    assert Prompts(processor, Family()).space("Shape?") == " "
    broken = Family(default_prompt="{image}{question}", ending="\n")
    prompts = Prompts(processor, broken)
    assert (prompts.prompt("Shape?"), prompts.text("Shape?")) == (
        "<image>Shape?",
        "<image>Shape?\n",
    )
    assert prompts.space("Shape?") == ""


@pytest.mark.parametrize(
    ("asked", "answered", "space"),
    [
        (" ASSISTANT:", " ASSISTANT: ", " "),
        # The template's own rendering wins over what the end seems to want.
        (" ASSISTANT:", " ASSISTANT:", ""),
        (" ASSISTANT:", " ASSISTANT:\n", "\n"),
        (" ASSISTANT: ", " ASSISTANT: ", ""),
        ("\n", "\n ", " "),
        # Turns that are written in another way when they are over tell nothing.
        (" ASSISTANT:", " ANSWER: ", " "),
        (" ASSISTANT:", " ASSISTANT: I think: ", " "),
        (" ASSISTANT:\n", " ASSISTANT: ", ""),
    ],
)
def test_what_the_template_writes_there_counts(build_processor, asked, answered, space):
    prompts = Prompts(build_processor(template=template(asked, answered)), Family())
    assert prompts.prompt("Shape?") == f"<image>Shape?{asked}"
    assert prompts.space("Shape?") == space


def test_a_template_that_knows_no_answers_is_judged_by_its_end(build_processor):
    assert Prompts(build_processor(), Family()).space("Shape?") == " "
    refusing = (
        "{% for message in messages %}{% if message.role != 'user' %}{{ raise_exception('no') }}"
        "{% endif %}{% for part in message.content %}{% if part.type == 'image' %}<image>"
        "{% else %}{{ part.text }}{% endif %}{% endfor %}{% endfor %}{{ '\\n' }}"
    )
    assert Prompts(build_processor(template=refusing), Family()).space("Shape?") == ""
