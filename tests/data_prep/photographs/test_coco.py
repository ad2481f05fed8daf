"""COCO: what is read from annotations and captions, and what is refused."""

import json
import os
from dataclasses import asdict
from hashlib import sha256

import pytest

from data_prep.errors import UserError
from data_prep.items import build_items
from data_prep.photographs import coco
from data_prep.photographs.coco import open_coco
from data_prep.scene_data import fingerprint_of
from data_prep.sources import DataOptions, open_data
from tests.data_prep.photographs.made_up import (
    CATEGORIES,
    annotation,
    edit_annotations,
    many_coco,
    photographs,
    write_annotations,
    write_coco,
)

ANNOTATIONS = {
    1: [(1, 10.0), (1, 10.0), (17, 15.0)],  # two people together are larger than the cat
    2: [(67, 90.0), (18, 5.0), (17, 4.0)],
    3: [(1, 5.0)],
    4: [],
}
CAPTIONS = {
    1: ["A woman eating cake in a kitchen", "someone eats in her kitchen", "a cat and people"],
    2: ["two pets in a kitchen", "pets on the road", "a dog"],
    3: ["a man riding a horse on a beach", "man riding on the shore", "riding, not walking"],
    4: ["trees and a lake", "a tree by the water"],
}


@pytest.fixture
def folder(tmp_path):
    return write_coco(tmp_path / "coco", ANNOTATIONS, CAPTIONS)


def by_id(data):
    return {int(scene.scene_id.removesuffix(".jpg")): scene for scene in photographs(data)}


def test_the_main_object_is_the_largest_single_annotation(folder):
    scenes = by_id(open_coco(folder))
    assert [scenes[n].labels.get("object") for n in ANNOTATIONS] == [
        "cat", "dining table", "person", None,
    ]  # fmt: skip
    assert [scenes[n].labels.get("animal") for n in ANNOTATIONS] == ["cat", "dog", None, None]
    assert scenes[3].unlabelled["animal"] == "no animal is annotated"
    assert [scenes[n].n_objects for n in ANNOTATIONS] == [3, 3, 1, 0]


def test_a_crowd_is_no_main_object_but_is_there(folder):
    crowd = [annotation(3, 17, 500.0, iscrowd=1), annotation(3, 1, 5.0)]
    edit_annotations(folder, "instances", annotations=crowd)
    scene = by_id(open_coco(folder))[3]
    assert scene.labels["object"] == "person"
    assert scene.categories == ("cat", "person")
    assert scene.n_objects == 1


def test_labels_of_captions_need_two_that_agree_and_none_as_often_against(folder):
    scenes = by_id(open_coco(folder))
    assert scenes[1].labels["place"] == "kitchen"
    # One says kitchen, one road: nobody agrees.
    assert "place" not in scenes[2].labels
    assert scenes[2].unlabelled["place"] == "captions do not agree on an answer"
    assert scenes[3].labels["place"] == "beach"
    assert scenes[3].labels["activity"] == "riding"
    # Trees and water are named by two each.
    assert "background" not in scenes[4].labels
    # Captions say what is done, annotations that nobody is there to do it.
    assert "activity" not in scenes[2].labels
    assert scenes[2].unlabelled["activity"] == "no person is annotated"
    # One caption is not enough.
    assert "activity" not in scenes[1].labels


def test_answers_are_those_of_the_vocabulary_with_single_words(folder):
    data = open_coco(folder)
    assert data.attributes["object"].words["dining table"] == ("table",)
    assert data.attributes["animal"].answers == ("cat", "dog")
    assert data.attributes["presence"].answers == ("yes", "no")
    assert list(data.attributes) == list(coco.TEXTS)
    assert data.chosen(["usual"]) == tuple(coco.TEXTS)
    assert data.name == "coco:coco:val2017"


def test_every_category_of_coco_has_words_of_its_own():
    words = coco._category_words(set(coco._vocabulary()["object"]))
    assert len(words) == 80
    flat = [word for own in words.values() for word in own]
    assert len(flat) == len(set(flat))
    assert sum(" " in own[0] for own in words.values()) == 0
    assert all(word == word.lower() for word in flat)


def test_a_category_that_the_vocabulary_lacks_is_said_by_its_name(folder):
    names = {1: "Sea_Lion", 17: "plane", 18: "airplane", 67: "ball", 38: "sports ball"}
    own = [{"id": number, "name": name} for number, name in names.items()]
    every = [annotation(1, each["id"], 5.0) for each in own]
    edit_annotations(folder, "instances", categories=own, annotations=every)
    words = open_coco(folder).attributes["object"].words
    assert words["Sea_Lion"] == ("sea lion",)
    assert words["plane"] == ("plane",)
    assert "plane" not in words["airplane"]
    assert (words["ball"], words["sports ball"]) == (("ball",), ("sports ball",))


def test_without_captions_only_annotations_are_asked(tmp_path):
    data = open_coco(write_coco(tmp_path / "coco", ANNOTATIONS))
    assert list(data.attributes) == ["object", "animal", "presence"]


def test_own_texts(folder):
    ask = {"place": "Where is this?", "presence": "Do you see a {category}?"}
    data = open_data(f"coco:{folder}", DataOptions(ask=ask))
    scene = by_id(data)[1]
    assert data.asking.offers(scene, "place", "all")[0].text == "Where is this?"
    texts = {each.text for each in data.asking.offers(scene, "presence", "all")}
    assert "Do you see a cat?" in texts
    for wrong, message in (
        ({"mood": "How?"}, "ask must name attributes of the data, got 'mood': choose from object"),
        ({"place": " "}, "ask needs a text for place, got ' '"),
        ({"presence": "Is it there?"}, r"the text for presence must hold \{category\}"),
        ({"place": "{category}"}, r"the text for place must not hold \{category\}"),
    ):
        with pytest.raises(UserError, match=message):
            open_coco(folder, ask=wrong)


def test_items_of_every_attribute(tmp_path, rng):
    data = open_coco(many_coco(tmp_path / "coco", 90))
    items = build_items(data.scenes, list(data.attributes), rng=rng, asking=data.asking)
    counts = {
        name: own["answer"].value_counts().to_dict() for name, own in items.groupby("attribute")
    }
    assert counts["object"] == {"cat": 30, "dog": 30, "person": 30}
    assert counts["activity"] == {"eating": 30}
    assert counts["place"] == {"beach": 30, "kitchen": 30}
    assert items.attrs["skipped"]["activity"] == {"no person is annotated": 60}
    presence = items[items["attribute"] == "presence"]
    assert len(presence) == 90
    shares = presence.groupby("question")["answer"].agg(lambda own: (own == "yes").mean())
    assert shares.between(0.3, 0.7).all(), shares


def test_a_rare_answer_is_left_out_and_counted(tmp_path, rng):
    annotations = {n: [(17 if n % 2 else 18, 5.0)] for n in range(40)} | {40: [(38, 5.0)]}
    data = open_coco(write_coco(tmp_path / "coco", annotations))
    items = build_items(data.scenes, ["object"], rng=rng, asking=data.asking)
    assert set(items["answer"]) == {"cat", "dog"}
    assert items.attrs["skipped"]["object"] == {"answer occurs too rarely": 1}
    assert data.answer_set(items).answers == ("cat", "dog")
    one = build_items(data.scenes, ["object"], rng=rng, asking=data.asking, min_scenes_per_answer=1)
    assert data.answer_set(one).answers == ("cat", "dog", "kite")


def images(*names):
    return [{"id": number, "file_name": name} for number, name in enumerate(names, start=1)]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": None}, "must hold a list of objects named 'images', got None"),
        ({"annotations": None}, "must hold a list of objects named 'annotations'"),
        ({"categories": {}}, "must hold a list of objects named 'categories'"),
        ({"images": []}, "must list at least 1 image"),
        ({"images": [{"id": "1", "file_name": "a.jpg"}]}, "'id' must be a number of its own"),
        ({"images": images("../../secret.jpg")}, "must be a name inside the split's folder"),
        ({"images": images("/etc/passwd")}, "must be a name inside the split's folder"),
        ({"images": images("..\\a.jpg")}, "must be a name inside the split's folder"),
        ({"images": images("000000000001.jpg", "000000000001.jpg")}, "lists an image twice"),
        ({"images": images("000000000001.jpg", "./000000000001.jpg")}, "lists an image twice"),
        ({"annotations": [annotation(99, 1, 1.0)]}, "'image_id' must be that of an image, got 99"),
        ({"annotations": [annotation(1, 99, 1.0)]}, "'category_id' must be that of a category"),
        ({"annotations": [annotation(1, 1, float("nan"))]}, "'area' must be a number"),
        ({"annotations": [annotation(1, 1, 10**400)]}, "'area' must be a number"),
        ({"annotations": [annotation(1, 1, -1)]}, "'area' must be a number"),
        ({"annotations": [annotation(1, 1, 1.0, bbox=[1, 2, 3])]}, "'bbox' must be left, top"),
        ({"annotations": [annotation(1, 1, 1.0, bbox="here")]}, "'bbox' must be left, top"),
        ({"annotations": [annotation(1, 1, 1.0, bbox=[1, 2, 3, float("inf")])]}, "'bbox' must be"),
        ({"annotations": [annotation(1, 1, 1.0, bbox="1234")]}, "'bbox' must be left, top"),
        ({"annotations": [annotation(1, 1, 1.0, bbox=[1, 2, 3, "4"])]}, "'bbox' must be left"),
        ({"annotations": [annotation(1, 1, 1.0, bbox=[1, 2, 3, True])]}, "'bbox' must be left"),
        ({"annotations": [annotation(1, 1, 1.0) | {"iscrowd": "0"}]}, "'iscrowd' must be 0 or 1"),
        ({"images": images("a\nb.jpg")}, "'file_name' must hold no control character"),
        ({"categories": [*CATEGORIES, CATEGORIES[0]]}, "'id' must be a number of its own, got 1"),
        ({"categories": [{"id": 1, "name": ""}]}, "'name' must be a text"),
    ],
)
def test_broken_annotations_are_named_by_their_place(folder, changes, message):
    edit_annotations(folder, "instances", **changes)
    with pytest.raises(UserError, match=message):
        open_coco(folder)


@pytest.mark.parametrize(("one", "other"), [("cat", "cat\u00a0"), ("caf\u00e9", "cafe\u0301"),
                                            ("cat", "Cat")])  # fmt: skip
def test_categories_that_look_alike_are_refused_if_both_have_objects(folder, one, other):
    categories = [{"id": 1, "name": one}, {"id": 2, "name": other}, {"id": 3, "name": "dog"}]
    used = [annotation(1, 1, 1.0), annotation(2, 3, 1.0)]
    edit_annotations(folder, "instances", categories=categories, annotations=used)
    assert set(by_id(open_coco(folder))[1].categories) == {one}
    used.append(annotation(2, 2, 1.0))
    edit_annotations(folder, "instances", categories=categories, annotations=used)
    with pytest.raises(UserError, match="categories must differ in more than case") as told:
        open_coco(folder)
    assert str(told.value).isascii()


@pytest.mark.parametrize("link", [os.symlink, os.link], ids=["link", "hard link"])
def test_two_names_of_one_image_are_told(folder, link):
    place = folder / "val2017"
    names = sorted(each.name for each in place.iterdir())
    (place / names[1]).unlink()
    link(place / names[0], place / names[1])
    with pytest.raises(UserError, match=f"got '{names[0]}' and '{names[1]}', which are one file"):
        open_coco(folder)


def test_annotations_that_are_no_file_are_not_waited_for(folder):
    file = folder / "annotations" / "instances_val2017.json"
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(UserError, match=r"cannot be read \(It is no file\)"):
        open_coco(folder)


def test_boxes_are_those_of_single_objects_by_category(folder):
    annotations = [
        annotation(1, 1, 1.0, bbox=[1, 2, 3, 4]),
        annotation(1, 1, 1.0, bbox=[5, 5, 2, 1]),
        annotation(1, 17, 1.0),  # a file that does not say where
        annotation(1, 18, 1.0, bbox=[0, 0, 2, 2]),
        annotation(1, 18, 9.0, bbox=[0, 0, 9, 9], iscrowd=1),
        annotation(2, 67, 1.0, bbox=[3, 3, 0, 4]),  # COCO has a few without width
    ]
    edit_annotations(folder, "instances", annotations=annotations)
    scenes = by_id(open_coco(folder))
    assert scenes[1].boxes == {
        "person": ((1, 2, 4, 6), (5, 5, 7, 6)),
        "dog": ((0, 0, 2, 2),),
    }
    assert scenes[2].boxes == {}


def test_data_without_boxes_is_the_data_it_was_before(folder):
    annotations = [annotation(1, 1, 1.0), annotation(2, 67, 1.0)]
    edit_annotations(folder, "instances", annotations=annotations)
    without = open_coco(folder).fingerprint
    annotations[0]["bbox"] = [1, 2, 3, 4]
    edit_annotations(folder, "instances", annotations=annotations)
    assert open_coco(folder).fingerprint != without
    scene = by_id(open_coco(folder))[2]
    known = asdict(scene)
    assert known.pop("boxes") == {}
    digest = sha256(json.dumps(known, sort_keys=True).encode())
    digest.update(sha256(b"mark").digest())
    assert fingerprint_of([scene], lambda _: b"mark") == digest.hexdigest()


def test_broken_captions_and_files(folder, tmp_path):
    for content, message in (
        ({"annotations": [{"image_id": 1}]}, "'caption' must be a text, got None"),
        ({"annotations": [{"caption": "a"}]}, "'image_id' must be a number"),
        ([], "must hold an object, got list"),
    ):
        write_annotations(folder, "captions", content)
        with pytest.raises(UserError, match=message):
            open_coco(folder)
    (folder / "annotations" / "captions_val2017.json").write_text("{")
    with pytest.raises(UserError, match="must be JSON, got a broken file"):
        open_coco(folder)
    with pytest.raises(UserError, match=r"_train2017\.json' cannot be read \(No such file"):
        open_coco(folder, "train2017")
    with pytest.raises(UserError, match="a split is named with letters and digits, got"):
        open_coco(folder, "../x")
    with pytest.raises(UserError, match="no folder"):
        open_coco(tmp_path / "nowhere")


def test_a_part_of_the_images_serves_and_the_others_are_counted(folder):
    assert open_coco(folder).notes == ()
    (folder / "val2017" / "000000000003.jpg").unlink()
    data = open_coco(folder)
    assert sorted(by_id(data)) == [1, 2, 4]
    (note,) = data.notes
    assert note == (
        "images that are listed and not there: 1 of 4 missing, first '000000000003.jpg'"
    )
    for file in (folder / "val2017").iterdir():
        file.unlink()
    with pytest.raises(UserError, match=r"4 of 4 missing, first '0000.*: unpack the images again"):
        open_coco(folder)


def test_links_that_lead_elsewhere_are_called_links_and_others_are_read(folder, tmp_path):
    images = folder / "val2017"
    first, second = images / "000000000001.jpg", images / "000000000002.jpg"
    (images / "blobs").mkdir()
    first.rename(images / "blobs" / "1")
    first.symlink_to("blobs/1")
    assert len(open_coco(folder).scenes) == 4
    second.rename(tmp_path / "2")
    second.symlink_to(tmp_path / "2")
    with pytest.raises(UserError, match=r"1 of 4 are links .* first '000000000002\.jpg': put cop"):
        open_coco(folder)
    images.rename(tmp_path / "images")
    images.symlink_to(tmp_path / "images")
    (tmp_path / "2").replace(tmp_path / "images" / "000000000002.jpg")
    assert len(open_coco(folder).scenes) == 4


def test_the_fingerprint_follows_labels_and_images(folder):
    first = open_coco(folder).fingerprint
    assert open_coco(folder).fingerprint == first
    path = folder / "val2017" / "000000000003.jpg"
    path.write_bytes(path.read_bytes() + b"x")
    second = open_coco(folder).fingerprint
    edit_annotations(folder, "instances", annotations=[annotation(1, 1, 5.0)])
    assert len({first, second, open_coco(folder).fingerprint}) == 3
