"""One view over Hugging Face vision-language models: blocks, final norm, head, answer position."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor, nn
from transformers import BatchFeature, PreTrainedModel

from data_prep.attributes import Attribute
from data_prep.errors import UserError
from probes.answers.spellings import answer_tree
from probes.answers.tree import AnswerTree, Node
from probes.families import family_of, logit_scale, soft_cap
from probes.image_places import image_boxes
from probes.positions import AnswerPosition, Position
from probes.prompts import Prompts, PromptStyle
from probes.readable_tokens import require_readable_tokens
from probes.residuals.answer_nodes import AnswerNodes
from probes.residuals.forced import Way, residuals_at_nodes
from probes.residuals.spec import require_layers
from probes.residuals.way import way_of
from probes.streams import entering, require_finite, weighted_means
from probes.unembedding import GateError, Unembedding, detach_unembedding
from probes.untouched import untouched

_ANSWER = AnswerPosition()


class VLM:
    """A loaded model and its processor; use `load_vlm`, which also checks it at the gate.

    The answer position is the last position of the prompt, from which the answer's first token
    is predicted. Layer 0 is what enters block 1 (image features merged in), layer l is the
    residual stream after block l, up to L = `n_layers`; the last layer is raw, before the norm.
    """

    def __init__(
        self,
        *,
        model: PreTrainedModel,
        processor: Any,
        name: str,
        revision: str,
        prompt_style: PromptStyle = "card",
    ) -> None:
        self.model = model.eval().requires_grad_(False)
        self.processor = processor
        self.tokenizer = processor.tokenizer
        self.name = name
        self.prompt_style: PromptStyle = prompt_style
        self.revision = revision
        decoder: Any = model.get_decoder()
        head = model.get_output_embeddings()
        if head is None or not (hasattr(decoder, "layers") and hasattr(decoder, "norm")):
            raise GateError(
                f"{type(model).__name__} shows no decoder with `layers` and `norm`, or no head: "
                "its residual stream cannot be read"
            )
        self.blocks: Sequence[nn.Module] = decoder.layers
        self.norm: nn.Module = decoder.norm
        self.unembedding: Unembedding = detach_unembedding(
            self.norm, head, scale=logit_scale(model.config), soft_cap=soft_cap(model.config)
        )
        self._boxes: dict[tuple[int, int], Float[Tensor, "token 4"]] = {}
        self._prompts = Prompts(processor, family_of(model.config), prompt_style)

    @property
    def n_layers(self) -> int:
        """L, the number of blocks; there are L + 1 layers of residuals."""
        return len(self.blocks)

    @property
    def d_model(self) -> int:
        return self.unembedding.head.shape[1]

    @property
    def dtype(self) -> torch.dtype:
        return self.model.dtype

    @property
    def device(self) -> torch.device:
        return self.model.device

    def prompt(self, question: str) -> str:
        """The text that the model is given with the image, before image tokens are expanded."""
        return self._prompts.prompt(question)

    def tokens_after(self, question: str) -> list[int]:
        """The tokens of the prompt that come after the last one of the question."""
        return self._prompts.tokens_after(question)

    def answer_tree(self, question: str, attribute: Attribute) -> AnswerTree:
        """The spellings of an attribute's answers as this model writes them after the question.

        UserError for answers that it cannot write, or cannot tell apart; see `answers`.
        """
        text, space = self._prompts.text(question), self._prompts.space(question)
        return answer_tree(self.tokenizer, text, space, attribute, self.turn_ends)

    @property
    def turn_ends(self) -> tuple[int, ...]:
        """The tokens with which the model ends what it says, ascending."""
        named = getattr(self.model.generation_config, "eos_token_id", None)
        ends = named if isinstance(named, list | tuple) else [named]
        known = {*ends, self.tokenizer.eos_token_id} - {None}
        return tuple(sorted(int(each) for each in known))

    def image_boxes(self, size: tuple[int, int]) -> Float[Tensor, "token 4"]:
        """Which part of an image (width, height) each image token shows; see `image_places`."""
        if size not in self._boxes:
            self._boxes[size] = image_boxes(self, size)
        return self._boxes[size]

    def prepare(self, images: Sequence[Image.Image], questions: Sequence[str]) -> BatchFeature:
        """The model's inputs for a batch, on its device, padded on the left.

        UserError for questions that the model has no positions or no embeddings for.
        """
        inputs = self.processed(images, questions)
        require_readable_tokens(self, inputs["input_ids"])
        return inputs.to(device=self.device, dtype=self.dtype)

    def processed(self, images: Sequence[Image.Image], questions: Sequence[str]) -> BatchFeature:
        """The inputs of `prepare` as the processor gives them: on the CPU, in float32."""
        return self._prompts.inputs(images, questions)

    def prepare_without_image(self, questions: Sequence[str]) -> BatchFeature:
        """Like `prepare`, but of the prompts alone, from which the image's place is taken out.

        UserError for a model whose blocks look at the image beside the text: without one they are
        left out.
        """
        if family_of(self.model.config).image_layout == "beside":
            raise UserError(
                f"{type(self.model).__name__} looks at the image by blocks of their own, which are "
                "left out without one: give it a blank image"
            )
        inputs = self._prompts.inputs_without_image(questions)
        require_readable_tokens(self, inputs["input_ids"])
        return inputs.to(device=self.device)

    def new_buffer(
        self, n_items: int, *, n_layers: int | None = None, dtype: torch.dtype | None = None
    ) -> Float[Tensor, "item layer d_model"]:
        """Memory for the residuals of `n_items` items, allocated once and written by the hooks.

        It is for all L + 1 layers in the model's dtype unless told otherwise.
        """
        shape = (n_items, n_layers or self.n_layers + 1, self.d_model)
        return torch.empty(shape, dtype=dtype or self.dtype, device=self.device)

    def residuals_into(
        self,
        inputs: Mapping[str, Any],
        buffer: Float[Tensor, "row layer d_model"],
        weights: Float[Tensor, "item place token"] | None = None,
        layers: Sequence[int] | None = None,
    ) -> None:
        """Run a prepared batch and write its residuals into `buffer`, item by item.

        They are read at the answer position, or, with `weights` over the tokens (see `positions`),
        as weighted means at several places; of all layers, or of `layers`, rising. The headless
        model runs without a cache, and nothing but these residuals is kept. OutOfMemory if the
        batch does not fit beside the model.
        """

        def write(place: int, stream: Float[Tensor, "item token d_model"]) -> None:
            read = stream[:, -1] if weights is None else weighted_means(weights, stream)
            buffer[:, place].copy_(read)

        with self.streams(write, layers):
            self.run(inputs)

    def residuals_at(
        self,
        inputs: Mapping[str, Any],
        nodes: Sequence[Node],
        buffer: Float[Tensor, "row layer d_model"],
        layers: Sequence[int] | None = None,
    ) -> None:
        """Run a prepared batch and write its residuals at nodes of an answer tree, item by item.

        A node lies after the prompt and forced tokens. The first use with forced tokens finds out
        how this model reads them; see `residuals.way`.
        """
        way = self.way if any(node.forced for node in nodes) else "passes"
        residuals_at_nodes(self, inputs, nodes, buffer, layers, way=way)

    @cached_property
    def way(self) -> Way:
        """How this model reads forced tokens, whatever is being done to its passes meanwhile."""
        with untouched(self):
            return way_of(self)

    @contextmanager
    def streams(
        self,
        write: Callable[[int, Float[Tensor, "item token d_model"]], None],
        layers: Sequence[int] | None = None,
    ) -> Iterator[None]:
        """While it lasts, `write` is given the residual stream of every layer of one forward pass.

        Beside a stream it is given the layer's place among `layers`, rising, or among all.
        GateError if the model passes its blocks in another way than once each and in order.
        """
        wanted = list(range(self.n_layers + 1) if layers is None else layers)
        require_layers(wanted, self.n_layers)
        modules = [*self.blocks, self.norm]
        with entering([modules[layer] for layer in wanted], write) as seen:
            yield
        if seen != list(range(len(wanted))):
            raise GateError(
                f"{type(self.model).__name__} must pass its {self.n_layers} blocks and its norm "
                f"once each and in order, got {[wanted[place] for place in seen]}, not {wanted}: "
                "its residual stream cannot be read"
            )

    def run(self, inputs: Mapping[str, Any], **arguments: Any) -> Any:
        """The headless model on a prepared batch, without a cache unless `arguments` say so.

        OutOfMemory if the batch does not fit beside the model.
        """
        given = {"use_cache": False, **inputs, **arguments, "return_dict": True}
        try:
            with torch.inference_mode():
                return self.model.base_model(**given)
        except torch.OutOfMemoryError as error:
            raise OutOfMemory(
                f"{self.name} in {str(self.dtype).removeprefix('torch.')} does not fit on "
                f"{self.device} with {len(inputs['input_ids'])} items at once: take a smaller "
                "--batch-size, bfloat16, 4-bit weights or a device map over several devices"
            ) from error

    def capture(
        self,
        images: Sequence[Image.Image],
        questions: Sequence[str],
        batch_size: int = 32,
        *,
        position: Position = _ANSWER,
        pass_ids: Sequence[str] | None = None,
    ) -> Float[Tensor, "row layer d_model"]:
        """Residuals, layers 0..L, in the model's dtype; at the answer position unless told.

        `pass_ids` name the forward passes to a position that tells them apart. Holds all items
        in memory; `capture_to_store` streams. UserError if a residual is not finite.
        """
        if len(images) != len(questions):
            raise UserError(
                f"need one image per question, got {len(images)} images and "
                f"{len(questions)} questions"
            )
        ids = pass_ids or [str(index) for index in range(len(questions))]
        each = position.per_pass
        buffer = self.new_buffer(len(questions) * each)
        for start in range(0, len(questions), batch_size):
            rows = slice(start, start + batch_size)
            inputs = self.prepare(images[rows], questions[rows])
            part = buffer[start * each : (start + batch_size) * each]
            position.read_into(self, inputs, ids[rows], part)
        require_finite(buffer, [name for name in ids for _ in range(each)])
        return buffer

    def capture_at(
        self,
        images: Sequence[Image.Image],
        questions: Sequence[str],
        nodes: Sequence[Node],
        batch_size: int = 32,
    ) -> Float[Tensor, "item place layer d_model"]:
        """Residuals at nodes of an answer tree, of items that fit into memory."""
        position = AnswerNodes(nodes=tuple(nodes))
        read = self.capture(images, questions, batch_size, position=position)
        return read.unflatten(0, (len(questions), len(nodes)))

    def unembed(self, residual: Float[Tensor, "*batch d_model"]) -> Float[Tensor, "*batch vocab"]:
        """Logits of residuals of any layer: norm with their own statistics, head, scale, cap."""
        return self.unembedding.logits(residual)

    def answer_logits(
        self, images: Sequence[Image.Image], questions: Sequence[str], batch_size: int = 32
    ) -> Float[Tensor, "item vocab"]:
        """The model's own next-token logits at the answer position, by its own forward pass."""
        parts = []
        for start in range(0, len(questions), batch_size):
            rows = slice(start, start + batch_size)
            inputs = self.prepare(images[rows], questions[rows])
            with torch.no_grad():
                output = self.model(**inputs, use_cache=False, logits_to_keep=1, return_dict=True)
            parts.append(output.logits[:, -1].float())
        return torch.cat(parts)


class OutOfMemory(UserError):
    """A batch does not fit on the device beside the model."""
