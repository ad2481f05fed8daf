"""The arms: what each of them sees at a step, and that they differ in nothing else."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from transformers import AutoTokenizer, LlavaForConditionalGeneration

from data_prep.clevr import read_clevr
from data_prep.errors import UserError
from data_prep.questions import PROPERTIES, referring_questions
from probes.bundled.corpus import Exchange
from probes.bundled.language import LanguagePlan
from probes.bundled.remedies.arms import (
    ARMS,
    Arm,
    Batch,
    draw_batch,
    false_premises_of,
    is_of_captions,
    require_room,
)
from probes.bundled.remedies.false_premises import (
    NONE,
    Form,
    exchange_of,
    false_premise,
    false_premises,
    form_of,
    text_of,
)
from probes.bundled.remedies.material import read_material
from probes.bundled.remedies.removed import removed_object
from probes.loading.identity import BUNDLED_FOLDER
from tests.probes.bundled.some_scenes import write_scenes

PLAN = LanguagePlan(steps=24)
STEPS = (0, 1, 7)  # step 7 is of captions


def write_copies(drawn: Path, out: Path) -> Path:
    """Copies of drawn scenes with several objects, each without its first object."""
    for kind in ("images", "owners"):
        (out / kind / "trainremoved").mkdir(parents=True)
    records = []
    for record in json.loads((drawn / "scenes" / "CLEVR_train_scenes.json").read_text())["scenes"]:
        if len(record["objects"]) < 2:
            continue
        name = record["image_filename"]
        owners = np.asarray(Image.open(drawn / "owners" / "train" / name))
        picture = np.array(Image.open(drawn / "images" / "train" / name))
        picture[owners == 1] = 110
        copy = name.replace("_train_", "_trainremoved_")
        Image.fromarray(picture).save(out / "images" / "trainremoved" / copy)
        kept = np.where(owners > 0, owners - 1, 0).astype(np.uint8)
        Image.fromarray(kept).save(out / "owners" / "trainremoved" / copy)
        records.append(record | {"image_filename": copy, "objects": record["objects"][1:]})
    (out / "scenes").mkdir()
    content = json.dumps({"info": {}, "scenes": records})
    (out / "scenes" / "CLEVR_trainremoved_scenes.json").write_text(content)
    return out


@pytest.fixture(scope="module")
def material(tmp_path_factory):
    data = write_scenes(tmp_path_factory.mktemp("scenes"), 40)
    copies = write_copies(data, tmp_path_factory.mktemp("scenes-removed"))
    model = LlavaForConditionalGeneration.from_pretrained(BUNDLED_FOLDER, dtype="float32")
    tokenizer = AutoTokenizer.from_pretrained(BUNDLED_FOLDER)
    return read_material(model, tokenizer, data, copies, split="train", n_scenes=40)


def batches(arm: Arm, material, *, seed: int = 0) -> list[Batch]:
    return [draw_batch(arm, material, PLAN, seed=seed, step=step) for step in STEPS]


def exchanges(batch: Batch) -> list[Exchange]:
    return [each for row in batch.exchanges for each in row]


def answers_none(exchange: Exchange, material) -> bool:
    return exchange.answer == exchange_of("", NONE, material.tokenizer).answer


def test_none_is_written_in_two_tokens_and_learnt_to_its_end(material):
    told = exchange_of("What color is the cube?", NONE, material.tokenizer).answer
    assert material.tokenizer.decode([*told]) == " none</s>"
    assert len(told) == 3
    # Among the answers to referring questions its first token is its own.
    words = {
        question.answer
        for scene in material.scenes
        for name in PROPERTIES
        for question in referring_questions(scene, name)
    }
    first = {exchange_of("", word, material.tokenizer).answer[0] for word in words}
    assert told[0] not in first


def test_every_arm_has_as_many_images_and_exchanges(material):
    for batch in zip(*(batches(arm, material) for arm in ARMS), strict=True):
        assert {len(each.scenes) for each in batch} == {PLAN.batch}
        assert len({tuple(len(row) for row in each.exchanges) for each in batch}) == 1


def test_questions_have_as_many_tokens_in_the_arms_with_none(material):
    plain = batches("plain", material)
    for arm in ("none5", "none20"):
        for one, other in zip(plain, batches(arm, material), strict=True):
            assert (one.scenes, one.views) == (other.scenes, other.views)
            lengths = [[len(each.question) for each in exchanges(batch)] for batch in (one, other)]
            assert lengths[0] == lengths[1]


def test_an_arm_has_the_share_of_false_premises_that_it_says(material):
    assert [false_premises_of(arm, PLAN) for arm in ARMS] == [0, 6, 24, 24]
    for arm in ARMS:
        for step, batch in zip(STEPS, batches(arm, material), strict=True):
            found = sum(answers_none(each, material) for each in exchanges(batch))
            assert found == (0 if is_of_captions(step, PLAN) else false_premises_of(arm, PLAN))


@pytest.mark.parametrize("arm", ["none5", "none20", "contrast"])
def test_what_is_answered_with_none_fits_nothing_and_the_rest_is_true(arm, material):
    for batch in batches(arm, material):
        for number, row in zip(batch.scenes, batch.exchanges, strict=True):
            scene = material.scenes[number]
            truth = {
                question.text: question.answer
                for name in PROPERTIES
                for question in referring_questions(scene, name)
            }
            for each in row:
                text = text_of(each, material.tokenizer)
                form = form_of(text)
                if form is None:
                    continue
                told = material.tokenizer.decode([*each.answer]).strip().removesuffix("</s>")
                # A text that asks about several objects is no question either.
                assert told == truth.get(text, NONE)
                words = {*text.removesuffix("?").split()[4:]} - {"thing"}
                fitting = [
                    thing
                    for thing in scene.objects
                    if words <= {getattr(thing, name) for name in PROPERTIES}
                ]
                assert len(fitting) == (told != NONE)


def test_the_form_of_a_text_does_not_tell_that_it_is_false(material):
    """Whatever a text mentions, it is false about one time in five."""
    asked: Counter[tuple[str, ...]] = Counter()
    false: Counter[tuple[str, ...]] = Counter()
    for step in range(30):
        for each in exchanges(draw_batch("none20", material, PLAN, seed=0, step=step)):
            form = form_of(text_of(each, material.tokenizer))
            if form is not None:
                asked[form.mentioned] += 1
                false[form.mentioned] += answers_none(each, material)
    often = [mentioned for mentioned, times in asked.items() if times > 110]
    assert len(often) > 5
    for mentioned in often:
        assert false[mentioned] / asked[mentioned] == pytest.approx(0.2, abs=0.1)


def test_a_pair_is_asked_the_same_and_answers_differ(material):
    n_pairs = 8
    for step in (0, 1, 2):
        batch = draw_batch("contrast", material, PLAN, seed=0, step=step)
        plain = draw_batch("plain", material, PLAN, seed=0, step=step)
        assert batch.exchanges[2 * n_pairs :] == plain.exchanges[2 * n_pairs :]
        for row in range(0, 2 * n_pairs, 2):
            scene, copy = (material.scenes[batch.scenes[row + side]] for side in (0, 1))
            assert removed_object(scene, copy) == 0
            assert batch.views[row] == batch.views[row + 1]
            there, gone = batch.exchanges[row], batch.exchanges[row + 1]
            for place in range(3):
                assert there[place].question == gone[place].question
                assert not answers_none(there[place], material)
                assert answers_none(gone[place], material)
            assert there[6].question == gone[6].question
            assert text_of(there[6], material.tokenizer).startswith("Is there a ")
            told = [material.tokenizer.decode([*each[6].answer]) for each in (there, gone)]
            assert told == [" yes</s>", " no</s>"]


def test_a_batch_depends_on_seed_and_step_alone(material):
    for arm in ARMS:
        assert batches(arm, material) == batches(arm, material)
        assert batches(arm, material) != batches(arm, material, seed=1)


def test_pairs_must_fit_into_a_batch():
    plan = LanguagePlan(steps=1, batch=5, referring=20)
    require_room("contrast", plan)
    with pytest.raises(UserError, match=r"contrast needs 2 images in a batch .* got .* 1:"):
        require_room("contrast", LanguagePlan(steps=1, batch=1, referring=20))


def test_every_form_is_read_from_its_text(scenes):
    for scene in scenes:
        for name in PROPERTIES:
            for question in referring_questions(scene, name):
                form = form_of(question.text)
                assert form is not None
                assert form.attribute == name
                assert name not in form.mentioned
    for text in ("Is there a large cube?", "Number of objects:", "Color of the main object:", ""):
        assert form_of(text) is None


def test_a_false_premise_misses_one_property(scenes):
    form = Form(attribute="color", mentioned=("size", "shape"))
    for scene in scenes:
        for missed, texts in false_premises(scene, form).items():
            for text in texts:
                size, shape = text.removesuffix("?").split()[4:]
                near = [(t.size, t.shape) for t in scene.objects]
                assert (size, shape) not in near
                kept = 1 if missed == "size" else 0
                assert (size, shape)[kept] in {each[kept] for each in near}


def test_where_everything_is_there_is_no_false_premise(scenes):
    both = next(s for s in scenes if {thing.size for thing in s.objects} == {"large", "small"})
    form = Form(attribute="color", mentioned=("size",))
    assert false_premises(both, form) == {}
    assert false_premise(both, form, np.random.default_rng(0)) is None


def test_other_copies_are_refused(drawn, tmp_path):
    scenes = read_clevr(drawn, "train")
    with pytest.raises(UserError, match=r"must be .* with one object removed, got other objects"):
        removed_object(scenes[1], scenes[2])
