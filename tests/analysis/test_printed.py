"""Tables as text: their columns stay in line, whatever stands in a cell."""

from rich.table import Table

from analysis.printed import comparison_table, printed


def test_a_cell_cannot_steer_and_the_columns_stay_in_line():
    table = Table("name", "number")
    table.add_row("a\x1b[2Jb\x07\r\u202e", "1")
    table.add_row("[red]c[/red]", "2")
    lines = printed(table).splitlines()
    (first,) = [line for line in lines if r"a\x1b[2Jb\x07\r\u202e" in line]
    (second,) = [line for line in lines if "[red]c[/red]" in line]
    assert first.index("1", first.index("u202e")) == second.index("2")


def test_title_caption_and_headers_cannot_steer():
    table = comparison_table(title="a\x9b", caption="b\x1b", headers=["c\x00"], left=[])
    table.add_row("1")
    shown = printed(table)
    assert shown.replace("\n", "").isprintable()
    assert [each in shown for each in (r"a\x9b", r"b\x1b", r"c\x00")] == [True] * 3
