"""Three small vocabularies that cut words where published ones do: LLaMA's, Qwen's and BERT's.

Some hundred tokens instead of tens of thousands, with the same normalizers, pre-tokenizers and
decoders. Any text can be encoded (of the BERT kind: any ASCII text); which words are one token,
and where the others are split, is written out below.
"""

from collections.abc import Callable, Sequence
from typing import Literal, get_args

from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
)
from transformers import PreTrainedTokenizerFast

Kind = Literal["llama_like", "qwen_like", "wordpiece_like"]
KINDS: tuple[Kind, ...] = get_args(Kind)

# A line is a word, cut into its tokens. A word that begins with ▁ follows a space.
_LLAMA_WORDS = """
▁A SS IST ANT
▁US ER
▁cube
▁C ube
▁sphere
▁S phere
▁c yl inder
▁C yl inder
▁green
▁Green
▁red
▁Red
▁yellow
▁Y ellow
▁cy an
▁C yan
▁large
▁Lar ge
▁t iny
▁T iny
▁rub ber
▁R ub ber
▁metal
▁Met al
▁playing
▁Playing
▁tennis
▁T ennis
▁r acket
Sh ape
Color
Size
Material
Count
Activity
"""
# Ġ is a byte-level BPE's space.
_QWEN_WORDS = """
user
assistant
cube
Ġcube
Cube
ĠCube
s phere
Ġsphere
S phere
ĠSphere
c ylinder
Ġcylinder
C ylinder
ĠCylinder
green
Ġgreen
Green
ĠGreen
red
Ġred
Red
ĠRed
yellow
Ġyellow
Yellow
ĠYellow
c yan
Ġcyan
C yan
ĠCyan
large
Ġlarge
Large
ĠLarge
tiny
Ġtiny
T iny
ĠTiny
rub ber
Ġrubber
R ubber
ĠRubber
metal
Ġmetal
Metal
ĠMetal
playing
Ġplaying
Playing
ĠPlaying
t ennis
Ġtennis
T ennis
ĠTennis
Ġr acket
Shape
Color
Size
Material
Count
Activity
"""
# The normalizer takes capitals away.
_WORDPIECES = """
question answer shape color size material count activity
cube sphere cyl ##inder green red yellow cy ##an large tiny rub ##ber metal playing tennis
rack ##et 10
"""
# Qwen2's: a word takes one character before it along unless that is a line break or a digit;
# digits stand alone.
_QWEN_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_ASCII = [chr(code) for code in range(33, 127)]
_Merges = list[tuple[str, str]]


def tokenizer_of(kind: Kind) -> PreTrainedTokenizerFast:
    """The tokenizer, with its special tokens and, as `image_token`, what stands for an image."""
    makers: dict[Kind, Callable[[], PreTrainedTokenizerFast]] = {
        "llama_like": _llama_like,
        "qwen_like": _qwen_like,
        "wordpiece_like": _wordpiece_like,
    }
    return makers[kind]()


def chat_template(kind: Kind) -> str:
    """A processor's template: image and question, and an assistant's turn that ends the text."""
    return _CHAT_TEMPLATES[kind]


def _llama_like() -> PreTrainedTokenizerFast:
    """LLaMA's SentencePiece BPE as its tokenizer.json has it, with LLaVA-1.5's added tokens."""
    # Last, so that of two spaces before a word the second stays with the word.
    merges = [*_merges(_LLAMA_WORDS.split()), ("▁", "▁")]
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    vocabulary = _numbered([*tokens, *_joined(merges), "▁", *_ASCII])
    tokenizer = Tokenizer(
        models.BPE(vocabulary, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    )
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    space, first_space = decoders.Replace("▁", " "), decoders.Strip(" ", 1, 0)
    tokenizer.decoder = decoders.Sequence(
        [space, decoders.ByteFallback(), decoders.Fuse(), first_space]
    )
    _begin_with(tokenizer, "<s>")
    return _finished(tokenizer, "<image>", bos="<s>", eos="</s>", pad="<pad>", unk="<unk>")


def _qwen_like() -> PreTrainedTokenizerFast:
    """Qwen2's byte-level BPE, with the special tokens of its vision models; nothing begins it."""
    merges = _merges(_QWEN_WORDS.split())
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(_numbered([*alphabet, *_joined(merges)]), merges))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_QWEN_SPLIT), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    more = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>")
    tokenizer.add_special_tokens([AddedToken(each, special=True) for each in more])
    return _finished(tokenizer, "<|image_pad|>", eos="<|im_end|>", pad="<|endoftext|>")


def _wordpiece_like() -> PreTrainedTokenizerFast:
    """BERT's uncased WordPiece; [SEP] ends an answer, as in BLIP."""
    letters = [each for each in _ASCII if not each.isupper()]
    continued = [f"##{each}" for each in letters if each.isalnum()]
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    vocabulary = _numbered([*specials, *letters, *continued, *_WORDPIECES.split()])
    tokenizer = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece(prefix="##")
    _begin_with(tokenizer, "[CLS]")
    return _finished(tokenizer, "<image>", bos="[CLS]", eos="[SEP]", pad="[PAD]", unk="[UNK]")


def _finished(
    tokenizer: Tokenizer,
    image: str,
    *,
    eos: str,
    pad: str,
    bos: str | None = None,
    unk: str | None = None,
) -> PreTrainedTokenizerFast:
    named = {"bos_token": bos, "unk_token": unk}
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=eos,
        pad_token=pad,
        **{name: token for name, token in named.items() if token is not None},
        extra_special_tokens={"image_token": image},
        clean_up_tokenization_spaces=False,
    )


def _begin_with(tokenizer: Tokenizer, token: str) -> None:
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{token} $A",
        pair=f"{token} $A {token} $B",
        special_tokens=[(token, tokenizer.token_to_id(token))],
    )


def _merges(tokens: Sequence[str]) -> _Merges:
    """Merges, in their order, by which each token comes out whole.

    A token is joined from left to right out of what the merges before it make of it. Nothing
    joins two tokens of one word, unless another token asks for it.
    """
    merges: _Merges = []
    for token in tokens:
        first, *others = _apply(merges, token)
        for part in others:
            merges.append((first, part))
            first += part
    return merges


def _apply(merges: _Merges, text: str) -> list[str]:
    parts = list(text)
    for left, right in merges:
        place = 0
        while place < len(parts) - 1:
            if (parts[place], parts[place + 1]) == (left, right):
                parts[place : place + 2] = [left + right]
            place += 1
    return parts


def _joined(merges: _Merges) -> list[str]:
    return [left + right for left, right in merges]


def _numbered(tokens: Sequence[str]) -> dict[str, int]:
    return {token: number for number, token in enumerate(dict.fromkeys(tokens))}


_CHAT_TEMPLATES: dict[Kind, str] = {
    # LLaVA-1.5's.
    "llama_like": (
        "{% for message in messages %}{% if message.role == 'user' %}USER: "
        "{% for part in message.content %}{% if part.type == 'image' %}<image>\n"
        "{% else %}{{ part.text }}{% endif %}{% endfor %}"
        "{% else %} ASSISTANT:{% for part in message.content %} {{ part.text }}{% endfor %}"
        "{{ eos_token }}{% endif %}{% endfor %}"
        "{% if add_generation_prompt %} ASSISTANT:{% endif %}"
    ),
    # ChatML, as Qwen's vision models write it.
    "qwen_like": (
        "{% for message in messages %}<|im_start|>{{ message.role }}\n"
        "{% for part in message.content %}{% if part.type == 'image' %}"
        "<|vision_start|><|image_pad|><|vision_end|>"
        "{% else %}{{ part.text }}{% endif %}{% endfor %}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    ),
    # BLIP-2's "Question: … Answer:".
    "wordpiece_like": (
        "{% for message in messages %}{% if message.role == 'user' %}"
        "{% for part in message.content %}{% if part.type == 'image' %}<image> question: "
        "{% else %}{{ part.text }}{% endif %}{% endfor %}"
        "{% else %} answer:{% for part in message.content %} {{ part.text }}{% endfor %}"
        "{{ eos_token }}{% endif %}{% endfor %}"
        "{% if add_generation_prompt %} answer:{% endif %}"
    ),
}
