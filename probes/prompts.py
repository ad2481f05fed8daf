"""The prompt around a question, and the model's inputs made from prompts and images."""

import unicodedata
from collections.abc import Sequence
from typing import Any, Literal, Protocol, runtime_checkable

import torch
from PIL import Image
from transformers import BatchFeature

from data_prep.errors import UserError
from probes.control_tokens import PlainText
from probes.families import Family, image_placeholder
from probes.loading.remarks import reason

PromptStyle = Literal["card", "one_word", "bare"]
""""card": the checkpoint's own chat template; "one_word": the same after asking for a word or
phrase; "bare": the image and the question, no roles."""
# The sentence with which LLaVA-1.5 was trained to answer shortly (Liu et al. 2023,
# arXiv:2310.03744).
_ONE_WORD = "Answer the question using a single word or phrase."
# What a template may write around a question: more than ten times what any known one does.
_MOST_SIGNS_AROUND = 32_768
_TRIAL, _TRIAL_ANSWER = "What is this?", "Cubes"


@runtime_checkable
class _Render(Protocol):
    def __call__(self, question: str, answer: str | None = None) -> str: ...


class Prompts:
    """Builds prompts by the checkpoint's own chat template, or by its family's default form."""

    def __init__(self, processor: Any, family: Family, style: PromptStyle = "card") -> None:
        self._processor = processor
        self._family = family
        self._placeholder = image_placeholder(processor)
        self._plain = PlainText(processor)
        self._style = style
        self._render = self._bare if style == "bare" else self._choose_render()
        self._template_space = self._space_of_template()

    def prompt(self, question: str) -> str:
        """The text that ends where the answer's first token is to be predicted."""
        if self._placeholder in question:
            raise UserError(
                f"a question must not hold the image token {self._placeholder!r}, got "
                f"{question!r}: rephrase it"
            )
        self._plain.require(question)
        asked = f"{question}\n{_ONE_WORD}" if self._style == "one_word" else question
        try:
            text = self._render(asked)
        except Exception as error:  # of a template from elsewhere, any
            raise UserError(
                f"the chat template cannot render the question {question!r} ({reason(error)}): "
                "rephrase it, or ask with --prompt-style bare"
            ) from error
        if text.count(self._placeholder) != 1 or len(text) - len(asked) > _MOST_SIGNS_AROUND:
            raise UserError(
                f"the chat template must render the question {question!r} with one image, got "
                f"{text.count(self._placeholder)} images and {len(text):,} signs: rephrase it, or "
                "ask with --prompt-style bare"
            )
        return text

    def text(self, question: str) -> str:
        """The prompt as the model is given it, with what the processor itself writes at its end."""
        return self.prompt(question) + self._family.ending

    def space(self, question: str) -> str:
        """What stands between the prompt and an answer: what the template writes there, or else
        what its end wants."""
        if self._template_space is not None:
            return self._template_space
        return _wanted_space(self.text(question), self._processor.tokenizer.all_special_tokens)

    def tokens_after(self, question: str) -> list[int]:
        """The tokens that the prompt, and the processor, write after the question's last one."""
        text = self.text(question)
        # A template may trim it.
        end = text.rfind(question.strip()) + len(question.strip())
        encoded = self._processor.tokenizer(
            text, add_special_tokens=False, return_offsets_mapping=True
        )
        spans = zip(encoded["input_ids"], encoded["offset_mapping"], strict=True)
        return [token for token, (start, _) in spans if start >= end]

    def inputs(self, images: Sequence[Image.Image], questions: Sequence[str]) -> BatchFeature:
        """What the processor returns for a batch, padded on the left: the answer position is -1."""
        if len(images) != len(questions) or not questions:
            raise UserError(
                f"need one image per question and at least one, got {len(images)} images and "
                f"{len(questions)} questions"
            )
        texts = [self.prompt(question) for question in questions]
        begin = self._processor.tokenizer.bos_token
        inputs = self._processor(
            images=[[image.convert("RGB")] for image in images],
            text=texts,
            return_tensors="pt",
            padding=True,
            padding_side="left",
            # A template may write the begin token that the tokenizer would add once more.
            add_special_tokens=not (begin and texts[0].startswith(begin)),
        )
        for name in self._family.dropped_inputs & inputs.keys():
            del inputs[name]
        return inputs

    def inputs_without_image(self, questions: Sequence[str]) -> BatchFeature:
        """The same prompts without the place of the image, padded on the left."""
        if not questions:
            raise UserError("need at least one question, got none")
        texts = [self.prompt(each).replace(self._placeholder, "") for each in questions]
        tokenizer = self._processor.tokenizer
        begin = tokenizer.bos_token
        inputs = tokenizer(
            [text + self._family.ending for text in texts],
            return_tensors="pt",
            padding=True,
            padding_side="left",
            add_special_tokens=not (begin and texts[0].startswith(begin)),
        )
        found = {name: inputs[name] for name in ("input_ids", "attention_mask")}
        # Without these PaliGemma looks ahead in a text alone, and not in a padded batch.
        for name in self._processor.model_input_names:
            if name.endswith("token_type_ids"):
                found[name] = torch.zeros_like(inputs["input_ids"])
        return BatchFeature(found)

    def _choose_render(self) -> _Render:
        tokenizer = self._processor.tokenizer
        if not (getattr(self._processor, "chat_template", None) or tokenizer.chat_template):
            return self._by_default
        candidates: list[_Render] = []
        if getattr(self._processor, "chat_template", None):
            candidates.append(self._by_processor)
        if tokenizer.chat_template:
            candidates.append(self._by_tokenizer)
        for render in candidates:
            try:
                text = render(_TRIAL)
            # A template from elsewhere raises anything for a form that it does not take. The next
            # way is tried, and if none is left, that is the error below.
            except Exception:
                continue
            # A text-only template drops the image part, or prints the list that it is given.
            if text.count(self._placeholder) == 1 and text.count(_TRIAL) == 1 and "[{" not in text:
                return render
        raise UserError(
            f"the chat template does not render one image ({self._placeholder!r}) and one "
            "question: save the processor with a template that takes content parts of type image "
            "and text"
        )

    def _space_of_template(self) -> str | None:
        """The space before an answer, as the template itself renders one.

        It is None if there is no template, or one that rewrites turns.
        """
        if self._render not in (self._by_processor, self._by_tokenizer):
            return None
        try:
            asked, answered = self._render(_TRIAL), self._render(_TRIAL, _TRIAL_ANSWER)
        # A template from elsewhere raises anything where it takes no answer of an assistant. Then
        # it tells nothing about the space before one, which is what None says.
        except Exception:
            return None
        between = answered.removeprefix(asked).partition(_TRIAL_ANSWER)[0]
        told = answered.startswith(asked) and _TRIAL_ANSWER in answered and not between.strip()
        return between if told else None

    def _by_processor(self, question: str, answer: str | None = None) -> str:
        parts = [{"type": "image"}, {"type": "text", "text": question}]
        turns: list[dict[str, Any]] = [{"role": "user", "content": parts}]
        if answer is not None:
            turns.append({"role": "assistant", "content": [{"type": "text", "text": answer}]})
        return self._processor.apply_chat_template(
            turns, add_generation_prompt=answer is None, tokenize=False
        )

    def _by_tokenizer(self, question: str, answer: str | None = None) -> str:
        turns = [{"role": "user", "content": f"{self._placeholder}\n{question}"}]
        if answer is not None:
            turns.append({"role": "assistant", "content": answer})
        return self._processor.tokenizer.apply_chat_template(
            turns, add_generation_prompt=answer is None, tokenize=False
        )

    def _bare(self, question: str, answer: str | None = None) -> str:
        return f"{self._placeholder}\n{question}"

    def _by_default(self, question: str, answer: str | None = None) -> str:
        return self._family.default_prompt.format(image=self._placeholder, question=question)


def _wanted_space(prompt: str, special: Sequence[str]) -> str:
    """The space that a prompt wants before an answer.

    There is none after a space or line break, after a control token, and after a sign which no
    space follows in writing.
    """
    last = prompt[-1:]
    if not last or last.isspace() or prompt.endswith(tuple(special)):
        return ""
    wide = unicodedata.east_asian_width(last) in ("W", "F")
    opening = unicodedata.category(last) in ("Ps", "Pi") or last in "\"'/-_"
    return "" if wide or opening else " "
