"""Stages in copies of the process: they share the run, and leave what one after another leaves."""

import os
import sys
import textwrap
import time
from contextlib import nullcontext

import pytest

from analysis.commands.options import parse_options
from analysis.emergence.__main__ import COMMAND, Emergence, main
from data_prep.files.lock import lock_of
from paper.stages.__main__ import side_by_side
from paper.stages.course import Course
from paper.stages.forks import begin, end_all, wait_for_one
from paper.stages.stage import Stage


@pytest.fixture
def modules(tmp_path, monkeypatch):
    """Writes modules that stages can run."""
    folder = tmp_path / "modules"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)

    def write(name: str, text: str) -> None:
        (folder / f"{name}.py").write_text(textwrap.dedent(text))

    return write


def stage(name: str, *words: str, needs: tuple[str, ...] = (), program: bool = False) -> Stage:
    return Stage(name=name, words=words, needs=needs, usual_seconds=1, is_program=program)


@pytest.fixture
def shown(tmp_path):
    folder = tmp_path / "shown"
    folder.mkdir()
    return folder


def test_a_module_gets_its_arguments_and_tells_how_it_ended(modules, shown):
    modules("stage_says", """
        import sys
        print(sys.argv[1:])
        print("note: heard", file=sys.stderr)
        raise SystemExit(3)
    """)  # fmt: skip
    running = [begin(stage("says", "stage_says", "--attr", "color"), shown)]
    ended = wait_for_one(running)
    assert (ended.code, ended.out, ended.err) == (3, "['--attr', 'color']\n", "note: heard\n")
    assert not running


def test_a_fault_keeps_its_traceback(modules, shown):
    modules("stage_fails", "raise KeyError('planted')")
    ended = wait_for_one([begin(stage("fails", "stage_fails"), shown)])
    assert ended.code == 1
    assert "KeyError: 'planted'" in ended.err


def test_a_program_is_run(shown):
    ended = wait_for_one([begin(stage("echo", "echo", "made", program=True), shown)])
    assert (ended.code, ended.out) == (0, "made\n")


def test_time_of_a_core_is_told(modules, shown):
    modules("stage_works", """
        import time
        until = time.process_time() + 0.3
        while time.process_time() < until:
            pass
    """)  # fmt: skip
    ended = wait_for_one([begin(stage("works", "stage_works"), shown)])
    assert 0.25 < ended.cpu_seconds < 30


def test_what_needs_a_failed_stage_is_not_begun_and_the_code_is_kept(modules, shown, capsys):
    modules("stage_good", "print('a result')")
    modules("stage_bad", "raise SystemExit('error: no such thing')")
    course = Course.of(
        [
            stage("good", "stage_good"),
            stage("bad", "stage_bad"),
            stage("after", "stage_good", needs=("bad",)),
        ]
    )
    ended = side_by_side(course, 1, shown, time.monotonic())
    assert [(each.stage.name, each.code) for each in ended] == [("good", 0), ("bad", 1)]
    said = capsys.readouterr()
    assert "a result\n\nThat was the first result, after" in said.out
    assert said.err == "error: no such thing\n"
    assert "left" not in said.out.splitlines()[-2]
    assert "python -m stage_bad failed: mend that, and type this again to go on" in said.out


def test_stages_are_ended_together(modules, shown):
    modules("stage_sleeps", "import time; time.sleep(60)")
    running = [begin(stage(name, "stage_sleeps"), shown) for name in ("a", "b")]
    began = time.monotonic()
    end_all(running)
    assert not running
    assert time.monotonic() - began < 30


def test_two_studies_on_one_run_leave_what_one_after_another_leaves(tmp_path, shown, capsys):
    asked = ("--scenes", "60", "--min-scenes-per-text", "5", "--n-resamples", "800")
    names = ("shape", "material")

    def words(run, *attributes):
        return "--attr", *attributes, "--run", str(run), *asked

    apart, together = tmp_path / "apart", tmp_path / "together"
    main(parse_options(Emergence, command=COMMAND, arguments=words(apart, *names)))
    together.mkdir()
    stages = [stage(name, "analysis.emergence", *words(together, name)) for name in names[::-1]]
    with lock_of(together).shared_with_children():
        ended = side_by_side(Course.of(stages), 2, shown, time.monotonic())
    assert [each.code for each in ended] == [0, 0], [each.err for each in ended]
    main(parse_options(Emergence, command=COMMAND, arguments=words(together, *names)))
    files = [{path.relative_to(run): path.read_bytes()
              for path in run.rglob("*") if path.is_file() and path.name != ".lock"}
             for run in (apart, together)]  # fmt: skip
    assert files[0].keys() == files[1].keys()
    differ = [str(name) for name in files[0] if files[0][name] != files[1][name]]
    assert not differ


def test_the_old_way_of_writing_loses_a_part(tmp_path):
    """What turns are for: two who read, then write, without them."""
    lock = lock_of(tmp_path)
    file = tmp_path / "number"
    file.write_text("0")

    def count(turns: bool) -> int:
        file.write_text("0")
        with lock.shared_with_children():
            children = [_forked(lambda: _count_to_twenty(lock if turns else None, file))
                        for _ in range(2)]  # fmt: skip
            ended = [os.waitpid(child, 0)[1] for child in children]
        # Without turns one may read what the other has only begun to write.
        assert not (turns and any(ended))
        return int(file.read_text())

    assert count(turns=True) == 40
    assert count(turns=False) < 40


def _forked(work) -> int:
    """Begins the work in a copy of this process, which must never get out of here."""
    if (child := os.fork()) == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return child


def _count_to_twenty(lock, file) -> None:
    for _ in range(20):
        with lock.turn() if lock else nullcontext():
            number = int(file.read_text())
            time.sleep(0.002)
            file.write_text(str(number + 1))


def test_stages_leave_the_streams_of_the_parent(modules, shown, capsys):
    modules("stage_prints", "print('in the copy')")
    wait_for_one([begin(stage("prints", "stage_prints"), shown)])
    print("in the parent")
    assert capsys.readouterr().out == "in the parent\n"
    assert sys.stdin is not None
