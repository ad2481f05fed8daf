"""Where residuals are read: against untouched forward passes, in places known beforehand."""

import pytest
import torch
from PIL import Image
from transformers import CLIPImageProcessorPil

from data_prep.errors import UserError
from probes import VLM
from probes.image_places import shares_of
from probes.positions import (
    AnswerPosition,
    ImageMean,
    ObjectPatches,
    QuestionEnd,
    SampledTokens,
    Square,
    image_tokens,
)
from tests.probes.conftest import IMAGE_SIZE, PATCH_SIZE

GRID = IMAGE_SIZE // PATCH_SIZE
# Coordinates are read off colours of 256 steps.
ROUNDED = 0.03
IDS = [f"real:item-{number}" for number in range(7)]


def assert_near(found, wanted):
    """As far as batches of another shape leave sums the same."""
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)


def states_of(vlm, image, question):
    """Of one untouched forward pass: inputs, and [layer below the last, token, unit]."""
    inputs = vlm.prepare([image], [question])
    with torch.no_grad():
        states = vlm.model(**inputs, output_hidden_states=True).hidden_states
    return inputs, torch.stack(states)[:-1, 0]


def square_in(row, column, *, size=(IMAGE_SIZE, IMAGE_SIZE), half_width_px=None):
    """In the middle of one patch of the grid; as large as the patch unless told."""
    wide, high = size[0] / GRID, size[1] / GRID
    return Square(
        x_px=(column + 0.5) * wide - 0.5,
        y_px=(row + 0.5) * high - 0.5,
        half_width_px=(PATCH_SIZE - 1) / 2 if half_width_px is None else half_width_px,
        image_size=size,
    )


def shares(vlm, square):
    found = shares_of(vlm.image_boxes(square.image_size), square.box)
    return found / found.sum()


def only(place):
    wanted = torch.zeros(GRID * GRID)
    wanted[place] = 1
    return wanted


def test_the_answer_position_is_what_capture_reads(vlm, images, questions, residuals):
    assert torch.equal(vlm.capture(images, questions, position=AnswerPosition()), residuals)


def test_weights_on_the_last_token_are_the_answer_position(vlm, images, questions, residuals):
    inputs = vlm.prepare(images, questions)
    last = torch.zeros(len(images), 1, inputs["input_ids"].shape[1])
    last[:, 0, -1] = 1
    buffer = vlm.new_buffer(len(images))
    vlm.residuals_into(inputs, buffer, last)
    assert_near(buffer, residuals)


def test_several_places_of_a_pass_are_rows_side_by_side(vlm, images, questions):
    inputs = vlm.prepare(images[:2], questions[:2])
    n_tokens = inputs["input_ids"].shape[1]
    weights = torch.zeros(2, 3, n_tokens)
    weights[:, 0, -1] = weights[:, 1, -2] = 1
    weights[:, 2, -2:] = torch.tensor([0.25, 0.75])
    buffer = vlm.new_buffer(6)
    vlm.residuals_into(inputs, buffer, weights)
    for last, before, mean in (buffer[:3], buffer[3:]):
        assert_near(mean, 0.75 * last + 0.25 * before)
    assert not torch.allclose(buffer[0], buffer[1], rtol=0.1)


@pytest.mark.parametrize("batch_size", [1, 7])
def test_the_image_mean_is_that_of_an_untouched_pass(vlm, images, questions, batch_size):
    found = vlm.capture(images, questions, batch_size, position=ImageMean())
    assert found.shape == (7, vlm.n_layers + 1, vlm.d_model)
    for row, image, question in zip(found, images, questions, strict=True):
        inputs, states = states_of(vlm, image, question)
        shown = inputs["input_ids"][0] == vlm.model.config.image_token_id
        assert int(shown.sum()) == GRID * GRID
        assert_near(row[:-1], states[:, shown].mean(1))


@pytest.mark.parametrize("place", range(0, GRID * GRID, 3))
def test_a_square_as_large_as_a_patch_is_that_patch(vlm, place):
    found = shares(vlm, square_in(*divmod(place, GRID)))
    torch.testing.assert_close(found, only(place), atol=ROUNDED, rtol=0)


@pytest.mark.parametrize("size", [(48, 32), (32, 48), (64, 96)])
@pytest.mark.parametrize(("row", "column"), [(0, 0), (1, 3), (3, 2)])
def test_a_picture_of_another_shape_is_scaled_as_the_model_sees_it(vlm, size, row, column):
    found = shares(vlm, square_in(row, column, size=size, half_width_px=1.0))
    torch.testing.assert_close(found, only(row * GRID + column), atol=1e-6, rtol=0)


def test_a_square_on_an_edge_is_shared_by_how_much_is_shown(vlm):
    # 8 columns of pixels: 2 in the first patch of the first row, 6 in the second.
    across = Square(x_px=9.5, y_px=3.5, half_width_px=3.5, image_size=(IMAGE_SIZE, IMAGE_SIZE))
    wanted = 0.25 * only(0) + 0.75 * only(1)
    torch.testing.assert_close(shares(vlm, across), wanted, atol=ROUNDED, rtol=0)


def test_an_objects_patch_is_read_there_also_in_a_padded_batch(vlm, images, questions):
    places = [0, 5, 10, 15, 3, 12, 6]
    squares = {
        pass_id: square_in(*divmod(place, GRID)) for pass_id, place in zip(IDS, places, strict=True)
    }
    position = ObjectPatches(squares=squares)
    found = vlm.capture(images, questions, position=position, pass_ids=IDS)
    for row, place, image, question in zip(found, places, images, questions, strict=True):
        inputs, states = states_of(vlm, image, question)
        shown = (inputs["input_ids"][0] == vlm.model.config.image_token_id).nonzero()[:, 0]
        # Beside it, its neighbours by the rounding of the boxes.
        torch.testing.assert_close(row[:-1], states[:, shown[place]], rtol=0.1, atol=0.1)


def test_what_the_crop_leaves_out_is_refused(build_model, build_processor, questions):
    processor = build_processor()
    processor.image_processor = CLIPImageProcessorPil(
        size={"shortest_edge": IMAGE_SIZE}, crop_size=IMAGE_SIZE
    )
    vlm = VLM(model=build_model(), processor=processor, name="random", revision="none")
    inputs = vlm.prepare([Image.new("RGB", (64, 32))], questions[:1])

    def weights_at(x_px):
        square = Square(x_px=x_px, y_px=3.5, half_width_px=3.0, image_size=(64, 32))
        return ObjectPatches(squares={"a": square}).weights(vlm, inputs, ["a"])

    # Columns 16 to 47 are kept.
    found = weights_at(19.5)[0, 0]
    torch.testing.assert_close(found[image_tokens(vlm, inputs)[0]], only(0), atol=ROUNDED, rtol=0)
    with pytest.raises(UserError, match=r"the object of a lies outside of what .* position image"):
        weights_at(7.5)


def test_the_end_of_the_question(vlm, images, questions):
    asked = dict(zip(IDS, questions, strict=True))
    inputs = vlm.prepare(images, questions)
    weights = QuestionEnd(questions=asked).weights(vlm, inputs, IDS)
    assert (weights.sum(-1) == 1).all()
    ends = weights.argmax(-1)[:, 0]
    for row, end, question in zip(inputs["input_ids"], ends, questions, strict=True):
        read = vlm.tokenizer.decode(row[: end + 1])
        assert read.endswith(question)
        assert vlm.tokenizer.decode(row[end + 1 :]) == " ASSISTANT:"
    other = dict.fromkeys(IDS, "Another question")
    inputs["input_ids"][:, -1] = 0
    with pytest.raises(UserError, match=r"does not end in .* read the position answer"):
        QuestionEnd(questions=other).weights(vlm, inputs, IDS)


@pytest.mark.parametrize("kind", ["image", "text"])
def test_sampled_tokens_are_single_positions_of_their_kind(vlm, images, questions, kind):
    position = SampledTokens(kind=kind, per_pass=4, seed=0)
    inputs = vlm.prepare(images, questions)
    weights = position.weights(vlm, inputs, IDS)
    assert not inputs["attention_mask"].all(), "padded"
    assert weights.unique().tolist() == [0, 1]
    assert (weights.sum(-1) == 1).all()
    places = weights.argmax(-1)
    assert (places.diff(dim=1) > 0).all(), "each once, in order"
    image = inputs["input_ids"] == vlm.model.config.image_token_id
    assert (image.gather(1, places) == (kind == "image")).all()
    assert inputs["attention_mask"].gather(1, places).all()

    found = vlm.capture(images, questions, position=position, pass_ids=IDS).unflatten(0, (7, 4))
    width = weights.shape[-1]
    for item, (single, question) in enumerate(zip(images, questions, strict=True)):
        _, states = states_of(vlm, single, question)
        unpadded = places[item] - (width - states.shape[1])
        assert_near(found[item, :, :-1].mT, states[:, unpadded].permute(1, 2, 0))


@pytest.mark.parametrize("kind", ["image", "text"])
@pytest.mark.parametrize("batch_size", [1, 3])
def test_the_same_tokens_alone_or_in_any_company(vlm, images, questions, kind, batch_size):
    position = SampledTokens(kind=kind, per_pass=3, seed=5)
    together = vlm.capture(images, questions, position=position, pass_ids=IDS)
    again = vlm.capture(images, questions, batch_size, position=position, pass_ids=IDS)
    assert_near(again, together)
    turned = vlm.capture(images[::-1], questions[::-1], position=position, pass_ids=IDS[::-1])
    assert_near(turned.unflatten(0, (7, 3)).flip(0), together.unflatten(0, (7, 3)))


def test_other_seeds_and_other_passes_draw_other_tokens(vlm, images, questions):
    inputs = vlm.prepare([images[0]] * 7, [questions[0]] * 7)

    def drawn(seed):
        return SampledTokens(kind="image", per_pass=4, seed=seed).weights(vlm, inputs, IDS)

    assert torch.equal(drawn(0), drawn(0))
    assert not torch.equal(drawn(0), drawn(1))
    assert len({tuple(row.argmax(-1).tolist()) for row in drawn(0)}) > 1
    names = {SampledTokens(kind="image", per_pass=4, seed=seed).name for seed in (0, 1)}
    assert len(names) == 2


@pytest.mark.parametrize(("kind", "most"), [("image", GRID * GRID), ("text", None)])
def test_all_tokens_can_be_drawn_and_no_more(vlm, images, questions, kind, most):
    inputs = vlm.prepare(images[:1], questions[:1])
    most = most or inputs["input_ids"].shape[1] - GRID * GRID
    weights = SampledTokens(kind=kind, per_pass=most, seed=0).weights(vlm, inputs, ["a"])
    assert weights[0].sum() == most
    with pytest.raises(UserError, match=f"at least {most + 1} {kind} tokens .* got {most} in .* a"):
        SampledTokens(kind=kind, per_pass=most + 1, seed=0).weights(vlm, inputs, ["a"])


POSITIONS = [
    ImageMean(),
    SampledTokens(kind="text", per_pass=1, seed=0),
    ObjectPatches(squares={"a": square_in(0, 0)}),
]


@pytest.mark.parametrize("position", POSITIONS, ids=lambda position: position.name)
def test_a_model_without_image_tokens_is_refused(vlm, images, questions, monkeypatch, position):
    inputs = vlm.prepare(images[:1], questions[:1])
    with monkeypatch.context() as patched:
        patched.setattr(vlm.model, "config", vlm.model.config.text_config)
        with pytest.raises(UserError, match="no image tokens in its sequence: read the position"):
            position.weights(vlm, inputs, ["a"])
    inputs["input_ids"] = torch.zeros_like(inputs["input_ids"])
    with pytest.raises(UserError, match="no image tokens in its sequence"):
        position.weights(vlm, inputs, ["a"])
