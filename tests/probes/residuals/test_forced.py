"""Models that say what they see are read after forced tokens as they would say their answers."""

import math
import shutil

import numpy as np
import pytest
import torch

from data_prep.attributes import Attribute
from probes import load_vlm
from probes.answers.said import said
from probes.answers.scores import answer_log_probs
from probes.answers.tree import ANSWER_NODE, Node, places_of
from probes.answers.trees import answer_trees
from probes.answers.words import right_words, word_log_probs
from probes.residuals import way
from probes.residuals.forced import residuals_at_nodes
from probes.unembedding import GateError
from tests.probes.residuals.by_hand import in_one_pass, share
from tests.probes.speaking import ATTRIBUTES, question, read_images, speaking, spoken_images

__all__ = ["speaking", "spoken_images"]
N_IMAGES = 12


@pytest.fixture(scope="module", params=["llama_like", "qwen_like"])
def folder(request, speaking):
    return speaking(request.param)


@pytest.fixture(scope="module")
def talking(folder):
    return load_vlm(folder)


@pytest.fixture(scope="module")
def shown(spoken_images):
    images, labels = read_images(spoken_images)
    return images[:N_IMAGES], labels[:N_IMAGES]


def asked(name: str) -> Attribute:
    words = {answer: (answer,) for answer in ATTRIBUTES[name]}
    return Attribute(name=name, answers=ATTRIBUTES[name], words=words)


def trees_of(talking, names):
    return [talking.answer_tree(question(name), asked(name)) for name in names]


@pytest.mark.parametrize("how", ["cache", "passes"])
def test_every_layer_is_that_of_one_pass_for_each_node(talking, shown, how):
    nodes = places_of(trees_of(talking, ATTRIBUTES), whole=True)
    assert max(len(node.forced) for node in nodes) == 3
    name = "activity"
    buffer = talking.new_buffer(len(nodes))
    inputs = talking.prepare(shown[0][:1], [question(name)])
    residuals_at_nodes(talking, inputs, nodes, buffer, way=how)
    wanted = [in_one_pass(talking, shown[0][0], question(name), node) for node in nodes]
    assert share(buffer, torch.stack(wanted)) < 1e-5


def test_prompts_of_other_lengths_in_a_batch_change_no_answer(talking, shown):
    names = ["count", "activity", "shape", "activity"]
    images, questions = shown[0][:4], [question(name) for name in names]
    assert len({len(text) for text in questions}) > 1
    trees = trees_of(talking, names)
    nodes = places_of(trees, whole=True)
    together = talking.capture_at(images, questions, nodes)
    pairs = zip(images, questions, strict=True)
    alone = torch.cat([talking.capture_at([image], [text], nodes) for image, text in pairs])
    torch.testing.assert_close(together, alone, rtol=1e-3, atol=1e-3 * float(alone.abs().max()))
    again = talking.capture_at(images, questions, nodes[::-1], batch_size=3)
    assert share(again.flip(1), together) < 1e-5
    for item, tree in enumerate(trees):
        scores = [
            answer_log_probs(each[[item]], talking.unembedding, [tree], nodes)
            for each in (together, alone)
        ]
        np.testing.assert_allclose(*scores, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["activity", "count", "shape"])
def test_whole_words_at_the_last_layer_are_as_probable_as_the_model_has_them(talking, shown, name):
    images, labels = shown[0][:4], shown[1][:4]
    (tree,) = trees_of(talking, [name])
    nodes = places_of([tree], whole=True)
    residuals = talking.capture_at(images, [question(name)] * 4, nodes)
    found = word_log_probs(residuals, talking.unembedding, [tree] * 4, nodes)[:, -1]
    wanted = [own_log_probs(talking, image, question(name), tree) for image in images]
    np.testing.assert_allclose(found, np.stack(wanted), rtol=1e-5, atol=1e-5)
    right = [tree.answers.index(label[name]) for label in labels]
    first = right_words(residuals, talking.unembedding, [tree] * 4, nodes, right)
    np.testing.assert_allclose(
        first.probability[:, -1], np.exp2(np.stack(wanted))[range(4), right], rtol=1e-4
    )
    np.testing.assert_array_equal(first.rank[:, -1], 1)


def own_log_probs(talking, image, text, tree):
    """log2 of what the model's own head gives each answer's sequences, by teacher forcing."""
    total: list[list[float]] = [[] for _ in tree.answers]
    for spelling, steps in tree.leaves:
        inputs = dict(talking.prepare([image], [text]))
        tokens = torch.tensor([[token for _, token in steps]])
        inputs["input_ids"] = torch.cat([inputs["input_ids"], tokens], dim=1)
        inputs["attention_mask"] = torch.ones_like(inputs["input_ids"])
        with torch.no_grad():
            logits = talking.model(**inputs, use_cache=False).logits[0, -len(steps) - 1 : -1]
        log_p = logits.double().log_softmax(-1).gather(-1, tokens.T).sum()
        total[spelling.answer].append(float(log_p))
    return np.array([np.logaddexp.reduce(each) for each in total]) / math.log(2)


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_what_is_read_at_the_last_layer_is_what_the_model_says(talking, shown, name):
    images, labels = shown
    questions = [question(name)] * N_IMAGES
    trees = answer_trees(talking, asked(name), questions)
    assert len(trees.different()) == 1
    spoken = said(talking, images, questions, trees.of(questions))
    residuals = talking.capture_at(images, questions, trees.places())
    scores = answer_log_probs(residuals, talking.unembedding, trees.of(questions), trees.places())
    read = scores[:, -1].argmax(-1)
    assert [each.answer for each in spoken] == read.tolist()
    right = [trees.answers.index(label[name]) for label in labels]
    assert (read == right).mean() > 0.9


def test_a_prompt_that_ends_in_a_space_is_read_before_it(speaking, shown, tmp_path):
    """LLaMA's tokenizer merges the space with the answer: the answers are those without it."""
    plain = load_vlm(speaking("llama_like"))
    spaced_folder = tmp_path / "spaced"
    shutil.copytree(speaking("llama_like"), spaced_folder)
    template = spaced_folder / "chat_template.jinja"
    text = template.read_text(encoding="utf-8")
    assert text.count(" ASSISTANT:{% endif %}") == 1
    template.write_text(text.replace(" ASSISTANT:{% endif %}", " ASSISTANT: {% endif %}"))
    spaced = load_vlm(spaced_folder)
    assert spaced.prompt("Shape:").endswith(" ASSISTANT: ")
    for name in ("activity", "count"):
        trees = [vlm.answer_tree(question(name), asked(name)) for vlm in (plain, spaced)]
        assert [tree.back for tree in trees] == [0, int(name == "activity")]
        read = []
        for vlm, tree in zip((plain, spaced), trees, strict=True):
            nodes = places_of([tree], whole=True)
            residuals = vlm.capture_at(shown[0], [question(name)] * N_IMAGES, nodes)
            own = [tree] * N_IMAGES
            read.append(answer_log_probs(residuals, vlm.unembedding, own, nodes))
        np.testing.assert_allclose(read[1], read[0], rtol=1e-4, atol=1e-4)


def failing(monkeypatch, faults):
    """Reading by these ways does not work as it should: it raises, or gives other residuals."""
    inner = residuals_at_nodes

    def faulty(vlm, inputs, nodes, buffer, layers=None, *, way):
        inner(vlm, inputs, nodes, buffer, layers, way=way)
        if faults.get(way) == "raises":
            raise RuntimeError("no cache\nof that kind")
        if way in faults:
            buffer *= torch.linspace(0.5, 2, buffer.shape[-1])

    monkeypatch.setattr(way, "residuals_at_nodes", faulty)


@pytest.mark.parametrize("fault", ["raises", "differs"])
def test_a_model_that_cannot_go_on_from_its_cache_is_read_by_passes(vlm, monkeypatch, fault):
    failing(monkeypatch, {"cache": fault})
    assert way.way_of(vlm) == "passes"


def test_a_model_that_can_be_read_in_no_way_is_refused_in_one_line(vlm, monkeypatch):
    failing(monkeypatch, {"cache": "raises", "passes": "differs"})
    with pytest.raises(GateError) as caught:
        way.way_of(vlm)
    told = str(caught.value)
    assert told.startswith("LlavaForConditionalGeneration cannot be read after forced tokens as it")
    assert "cache: no cache; passes: " in told
    assert "times the difference that is allowed" in told
    assert told.endswith("give answers that are one token each")
    assert "\n" not in told


def test_nodes_in_the_prompt_need_no_way_to_read_forced_tokens(vlm, images, questions, monkeypatch):
    """Answers that are one token each are read of any model: an error's remedy says so."""

    def asked_for(_):
        raise GateError("cannot be read after forced tokens")

    monkeypatch.setattr(type(vlm), "way", property(asked_for))
    residuals = vlm.capture_at(images, questions, (ANSWER_NODE, Node(back=1)))
    torch.testing.assert_close(
        residuals[:, 0], vlm.capture(images, questions), rtol=1e-4, atol=1e-4
    )


def test_the_way_is_found_out_when_forced_tokens_are_first_read(vlm, images, questions):
    residuals = vlm.capture_at(images, questions, (ANSWER_NODE, Node(forced=(260,))), batch_size=3)
    assert vlm.way == "cache"
    torch.testing.assert_close(
        residuals[:, 0], vlm.capture(images, questions), rtol=1e-4, atol=1e-4
    )
