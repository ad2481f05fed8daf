"""An order is declared where a study file fixed it before the first result, and nowhere else."""

import json

import pytest

from analysis.commands.declared_order import declared_order
from analysis.commands.options import parse_options
from analysis.order import __main__ as order
from analysis.order.found import FoundOrder
from analysis.order.report import order_basis
from analysis.typed import read_back, written
from data_prep.errors import UserError
from data_prep.sources import open_data
from tests.analysis.conftest import results_of
from tests.commands import run_command
from tests.sealed import edit_sealed

DECLARED = '[order]\nattr = ["size", "shape"]\n'


@pytest.fixture
def study(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(DECLARED)
    return file


@pytest.fixture
def begun(small, emergence, tmp_path):
    """Begins a run with these arguments besides, and measures two attributes; gives its folder."""

    def begin(*arguments):
        run = tmp_path / "run"
        typed = [*small, "--run", run, "--attr", "size", "shape", *arguments]
        assert emergence(typed).code == 0
        return run

    return begin


@pytest.fixture
def compared(small, capsys):
    """Runs `python -m analysis.order` on a run; reads what results.json then says."""

    def run(folder, *arguments):
        typed = [str(each) for each in (*small, "--run", folder, *arguments)]
        options = parse_options(order.Order, command=order.COMMAND, arguments=typed)
        ended = run_command(capsys, lambda: order.main(options))
        assert ended.code == 0, ended.err
        kept = results_of(folder)["studies"]["order"]
        found = read_back(FoundOrder, kept, "results.json")
        assert written(found) == kept
        return found

    return run


def test_an_order_of_the_study_file_is_declared_and_another_is_given(begun, compared, study):
    run = begun("--study", study)
    found = compared(run, "--study", study)
    assert (found.given, found.declared) == (("size", "shape"), True)
    assert found.rests_on.startswith("fixed by the study file that the run was begun with")
    # Typed, it is the same order, fixed before.
    assert compared(run, "--attr", "size", "shape").declared is True

    other = compared(run, "--attr", "shape", "size")
    assert (other.given, other.declared) == (("shape", "size"), False)
    assert "fixed another (size, shape)" in order_basis(other)

    study.write_text('[order]\nattr = ["shape", "size"]\n')
    edited = compared(run, "--study", study)
    assert (edited.given, edited.declared) == (("shape", "size"), False)


def test_a_study_file_that_comes_after_the_run_does_not_count(begun, compared, study):
    run = begun()
    found = compared(run, "--study", study)
    assert (found.given, found.declared) == (("size", "shape"), False)
    assert found.rests_on == "no study file fixed an order when the run was begun"
    assert "declared_order" not in json.loads((run / "identity.json").read_text())


def test_a_study_file_that_is_edited_after_the_run_does_not_count(begun, compared, study):
    study.write_text("seed = 0\n")
    run = begun("--study", study)
    study.write_text(f"seed = 0\n{DECLARED}")
    assert compared(run, "--study", study).declared is False


def test_an_order_that_is_edited_in_the_run_is_refused(begun, small, study, capsys):
    run = begun("--study", study)
    file = run / "identity.json"
    edit_sealed(file, lambda content: content["declared_order"]["attr"].reverse())
    typed = [*map(str, small), "--run", str(run), "--attr", "shape", "size"]
    options = parse_options(order.Order, command=order.COMMAND, arguments=typed)
    message = run_command(capsys, lambda: order.main(options)).refusal
    assert "was edited after the run was begun: restore it" in message


@pytest.mark.parametrize(
    "text",
    ["seed = 1", '[order]\nattr = ["usual"]', '[order]\nattr = ["size"]',
     '[order]\nreadout = "linear_probe"'],
)  # fmt: skip
def test_no_order_is_fixed_where_none_is_spelled_out(clevr, study, text):
    study.write_text(text)
    assert declared_order(study, open_data(f"clevr:{clevr}"), "0" * 64) == {}
    assert declared_order(None, open_data(f"clevr:{clevr}"), "0" * 64) == {}


@pytest.mark.parametrize(
    ("attr", "message"),
    [("'size'", r"attr in \[order\] of .* must be a list of attributes, got 'size'"),
     ("['size', 'colour']", "colour")],
)  # fmt: skip
def test_what_is_no_order_is_refused(clevr, study, attr, message):
    study.write_text(f"[order]\nattr = {attr}\n")
    with pytest.raises(UserError, match=message):
        declared_order(study, open_data(f"clevr:{clevr}"), "0" * 64)


def test_the_help_says_when_an_order_is_declared(capsys):
    with pytest.raises(SystemExit):
        parse_options(order.Order, command=order.COMMAND, arguments=["--help"])
    said = " ".join(capsys.readouterr().out.replace("\u2502", " ").split())
    assert "Results call it the order given; they call it declared only if" in said
