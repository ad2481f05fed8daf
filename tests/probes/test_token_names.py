"""Names of tokens: no two alike, whatever a vocabulary holds, and each tells its token."""

import unicodedata
from collections.abc import Iterable, Mapping

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, decoders, models
from transformers import PreTrainedTokenizerFast

from probes.token_names import (
    SPACE,
    TokenNames,
    _byte_alphabet,
    code_point,
    in_codes,
    text_of,
    token_names,
    units,
    written,
)

SENTENCEPIECE = decoders.Sequence(
    [decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse(),
     decoders.Strip(" ", 1, 0)]
)  # fmt: skip
DECODERS = {
    "sentencepiece": SENTENCEPIECE,
    "byte-level": decoders.ByteLevel(),
    "wordpiece": decoders.WordPiece(),
}
LETTER = {byte: letter for letter, byte in _byte_alphabet().items()}
# What could be taken for a name that is made, for a space, or for another of them.
HOSTILE = (
    "<600>", " <600>", "<0>", "a<1>", "<0xE4>", "<0xE4 0xB8>", "<0xe4>", "</s>", " </s>", "U+200B",
    "U+", "\u200b", "\u200bA", "\\n", "\n", "\\\n", "\\", "\t", "\u00b7", "\u22c5", "\u2423",
    "\u2581", "\u0120a", " ", "  ", "\u00a0", "\u3000", "a b", "\u00e9", "e\u0301", "\u0301",
    " \u0301", "\u212b", "\u00c5", "\ufffd", "\u200d\u0301", "\u3164", "\u2764\ufe0f", "\u2764",
    "\x1b[2J", "\u202eabc", "\u2067", "\u05e9\u05dc", "\u0e01\u0e47", "\u093e", "\u4e2d\u56fd",
    "\U0001f600", "##a", "#", "'", '"', "$x$", "\u1100\u1161", "\uac00", ">\u0338",
)  # fmt: skip
signs = st.characters(exclude_categories=["Cs"])
texts = st.one_of(st.text(signs, max_size=5), st.sampled_from(HOSTILE)).filter(bool)
vocabularies = st.lists(texts, max_size=12, unique=True)


def fast(
    pieces: Iterable[str], decoder: object, added: Iterable[str] = (), special: Iterable[str] = ()
) -> PreTrainedTokenizerFast:
    """A tokenizer that knows these pieces, each once, after <unk>."""
    rows = {piece: row for row, piece in enumerate(dict.fromkeys(["<unk>", *pieces]))}
    tokenizer = Tokenizer(models.WordLevel(rows, unk_token="<unk>"))
    tokenizer.decoder = decoder  # pyright: ignore[reportAttributeAccessIssue]
    more = [AddedToken(each, normalized=False, special=False) for each in added]
    tokenizer.add_tokens(more)
    tokenizer.add_special_tokens([AddedToken(each, special=True) for each in special])
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="<unk>")


def sentencepiece(vocabulary: Iterable[str], **more: Iterable[str]) -> PreTrainedTokenizerFast:
    pieces = [text.replace(" ", "\u2581") for text in vocabulary]
    return fast([*(f"<0x{byte:02X}>" for byte in range(256)), *pieces], SENTENCEPIECE, **more)


def byte_level(vocabulary: Iterable[bytes], **more: Iterable[str]) -> PreTrainedTokenizerFast:
    pieces = ["".join(LETTER[byte] for byte in content) for content in vocabulary]
    return fast([*LETTER.values(), *pieces], DECODERS["byte-level"], **more)


def require_distinct(found: TokenNames, n_rows: int) -> None:
    """Also to a reader who sees no difference between composed and decomposed accents."""
    assert len(found.names) == n_rows
    assert len({unicodedata.normalize("NFC", name) for name in found.names}) == n_rows
    for name in found.names:
        assert name
        assert name.isprintable()
        assert unicodedata.normalize("NFC", name) == name
        assert "".join(units(name)) == name
        assert unicodedata.category(name[0])[0] != "M", "an accent would stand on what is before it"


def by_row(found: TokenNames, tokenizer: PreTrainedTokenizerFast) -> Mapping[str, str]:
    """The name of each piece."""
    return {piece: found.names[row] for piece, row in tokenizer.get_vocab().items()}


@given(vocabulary=vocabularies, added=st.lists(texts, max_size=3, unique=True))
@example(vocabulary=list(HOSTILE), added=["  ", " x", "x"])
def test_sentencepiece_with_byte_fallback(vocabulary, added):
    tokenizer = sentencepiece(vocabulary, added=added, special=["</s>", "<image>"])
    n_rows = max(tokenizer.get_vocab().values()) + 40
    found = token_names(tokenizer, n_rows)
    require_distinct(found, n_rows)
    names = by_row(found, tokenizer)
    assert names["<0xE4>"] == "<0xE4>"
    assert names["<image>"] == "<image>"
    assert found.names[-1] == f"<{n_rows - 1}>"
    assert {tokenizer.get_vocab()["</s>"], 0} <= found.special
    assert len(found.byte_pieces) >= 256
    for text in set(vocabulary) - {"</s>", "<0xE4>", "<0xe4>"}:
        assert text_of(names[text.replace(" ", "\u2581")]) == text.replace("\u2581", " ")


@given(
    vocabulary=st.lists(
        st.one_of(st.binary(min_size=1, max_size=4), texts.map(str.encode)), max_size=12,
        unique=True,
    ),
    added=st.lists(texts, max_size=3, unique=True),
)  # fmt: skip
@example(vocabulary=[text.encode() for text in HOSTILE], added=["  ", " x", "x", "\u00e9"])
def test_byte_level(vocabulary, added):
    tokenizer = byte_level(vocabulary, added=added, special=["</s>", "<|im_end|>"])
    n_rows = max(tokenizer.get_vocab().values()) + 40
    found = token_names(tokenizer, n_rows)
    require_distinct(found, n_rows)
    names = by_row(found, tokenizer)
    assert names["<|im_end|>"] == "<|im_end|>"
    own = set(tokenizer.added_tokens_encoder)
    for content in vocabulary:
        piece = "".join(LETTER[byte] for byte in content)
        if piece in own:
            continue
        row = tokenizer.get_vocab()[piece]
        try:
            assert text_of(names[piece]) == content.decode()
            assert row not in found.byte_pieces
        except UnicodeDecodeError:
            assert names[piece] == "<" + " ".join(f"0x{byte:02X}" for byte in content) + ">"
            assert text_of(names[piece]) is None
            assert row in found.byte_pieces


@given(vocabulary=vocabularies)
@example(vocabulary=list(HOSTILE))
def test_wordpiece(vocabulary):
    pieces = [*vocabulary, *(f"##{text}" for text in vocabulary)]
    tokenizer = fast(pieces, DECODERS["wordpiece"], special=["[CLS]"])
    n_rows = max(tokenizer.get_vocab().values()) + 3
    found = token_names(tokenizer, n_rows)
    require_distinct(found, n_rows)
    names = by_row(found, tokenizer)
    assert names["[CLS]"] == "[CLS]"
    assert not found.byte_pieces
    for piece in pieces:
        assert text_of(names[piece]) == piece


def test_to_decode_makes_names_that_are_the_same():
    """The control: what the names are for."""
    words = ["red", " red", "blue", " blue", "s", " s", "\u4e2d", "\n"]
    for tokenizer in (sentencepiece(words), byte_level([word.encode() for word in words])):
        rows = range(len(tokenizer) + 5)
        decoded = [tokenizer.decode([row]) for row in rows]
        assert len(set(decoded)) < len(decoded) - 5
        assert len(set(token_names(tokenizer, len(rows)).names)) == len(rows)


@given(text=st.text(signs))
@example(text="U+200B\u200bAF")
@example(text="\\n\\\n")
def test_a_name_can_be_read_back(text):
    name = written(text)
    assert text_of(name) == text
    assert text_of(in_codes(text)) == text
    assert not set(name) & set(" \n\t\u200b")


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (" red", f"{SPACE}red"),
        ("a\tb\r\n", r"a\tb\r\n"),
        ("\\n", "U+005Cn"),
        ("\\alpha", "\\alpha"),
        ("\u200bA", "U+200BU+0041"),
        ("\u200bg", "U+200Bg"),
        ("U+4E2D", "U+0055+4E2D"),
        ("USA", "USA"),
        (SPACE, "U+00B7"),
        ("<600>", "<600U+003E"),
        ("<b>", "<b>"),
        (" \u4e2d\u56fd", f"{SPACE}\u4e2d\u56fd"),
        ("\u05e9\u05dc", "\u05e9\u05dc"),
        ("\u043c\u0438\u0440", "\u043c\u0438\u0440"),
        ("e\u0301", "U+0065U+0301"),
        ("\u2764\ufe0f", "\u2764U+FE0F"),
    ],
)
def test_names_of_texts(text, name):
    assert written(text) == name


def test_a_text_that_an_added_token_has_too_is_told_by_its_number():
    tokenizer = byte_level([b"  "], added=["  "])
    found = token_names(tokenizer, len(tokenizer))
    assert found.names[-2:] == (2 * SPACE, f"{2 * SPACE}<{len(tokenizer) - 1}>")


def test_fewer_rows_than_the_tokenizer_has():
    found = token_names(sentencepiece(["a"], special=["</s>"]), 3)
    assert found.names == ("<unk>", "<0x00>", "<0x01>")
    assert found.special == {0}


def test_spaces_have_no_other_sign():
    assert [written(sign) for sign in "\u00b7\u2027\u2219\u22c5\uff65"] == [
        code_point(sign) for sign in "\u00b7\u2027\u2219\u22c5\uff65"
    ]
