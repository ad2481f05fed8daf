"""A byte-level BPE to which every spelling of every answer word is one token.

After a space it is another one.
"""

from collections.abc import Mapping, Sequence

from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from data_prep.attributes import ATTRIBUTES, attribute, surface_forms


def small_tokenizer(
    special: Mapping[str, str], more: Sequence[str] = ()
) -> PreTrainedTokenizerFast:
    """With pad, begin and end; `special` are given by the names that processors ask for
    (image_token, boi_token), `more` are in the vocabulary only."""
    words = [w for name in ATTRIBUTES for ws in attribute(name).words.values() for w in ws]
    forms = [form for word in words for form in surface_forms(word)]
    texts = [space + form for form in forms for space in ("", " ")] * 3
    texts += ["USER: What color is the thing? ASSISTANT:"] * 5
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=1500,
        special_tokens=["<pad>", "<s>", "</s>", *special.values()],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_special_tokens([AddedToken(each, special=True) for each in more])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        # The wrong side: the view has to ask for the left one.
        padding_side="right",
        extra_special_tokens=dict(special),
    )
