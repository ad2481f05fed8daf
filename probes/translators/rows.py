"""The rows that translators are trained and judged on: residuals of all layers, with scenes.

A row is one position of one item; whoever has residuals of other positions (text, image tokens)
makes rows of them in the same way.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor

from data_prep.errors import UserError
from data_prep.splits import split_of
from probes.residuals.rows import StoredRows
from probes.residuals.store import ResidualStore

_DIGEST_ROWS = 64


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ResidualRows:
    """Residuals `[row, layer 0..L, d_model]`, read part by part, and the scene of each row."""

    parts: tuple[Float[Tensor, "_ layer d_model"], ...]
    """The residuals; mapped from a store's files, they cost no memory until they are read."""
    part_of: Int[Tensor, " row"]
    place: Int[Tensor, " row"]
    """Row within its part."""
    scene_ids: tuple[str, ...]
    below: range | None = None
    """The layers below the last that are read, by their number in the parts; None: all."""

    @classmethod
    def of(
        cls, residuals: Float[Tensor, "row layer d_model"], scene_ids: Sequence[str]
    ) -> "ResidualRows":
        """The rows of an array."""
        if len(residuals) != len(scene_ids):
            raise ValueError(
                f"need one scene id per row, got {len(scene_ids)} for {len(residuals)} rows"
            )
        n_rows = len(residuals)
        return cls(
            parts=(residuals,),
            part_of=torch.zeros(n_rows, dtype=torch.int64),
            place=torch.arange(n_rows),
            scene_ids=tuple(scene_ids),
        )

    @classmethod
    def of_store(cls, store: ResidualStore, scene_of: Mapping[str, str]) -> "ResidualRows":
        """The rows of a store whose id is in `scene_of`, in the store's order.

        UserError for a store that lacks layers.
        """
        chosen = [row for row, row_id in enumerate(store.row_ids) if row_id in scene_of]
        if len(chosen) != len(scene_of):
            raise ValueError(f"{len(scene_of) - len(chosen)} rows asked for are not in the store")
        rows = StoredRows(store=store, rows=torch.tensor(chosen, dtype=torch.int64))
        return cls.of_stored(rows, [scene_of[store.row_ids[row]] for row in chosen])

    @classmethod
    def of_stored(cls, rows: StoredRows, scene_ids: Sequence[str]) -> "ResidualRows":
        """Rows of a store, mapped from its files. UserError for a store that lacks layers."""
        if len(rows) != len(scene_ids):
            raise ValueError(
                f"need one scene id per row, got {len(scene_ids)} for {len(rows)} rows"
            )
        store, size = rows.store, rows.store.spec.shard_size
        if store.spec.layers is not None:
            raise UserError(
                f"{store.folder} holds layers {list(store.spec.layers)} only: capture all layers"
            )
        return cls(
            parts=tuple(store.read_shard(shard) for shard in range(store.spec.n_shards)),
            part_of=rows.rows // size,
            place=rows.rows % size,
            scene_ids=tuple(scene_ids),
        )

    @classmethod
    def joined(cls, several: Sequence["ResidualRows"]) -> "ResidualRows":
        """All rows of `several`, one after the other."""
        offsets = [0]
        for rows in several:
            offsets.append(offsets[-1] + len(rows.parts))
        return cls(
            parts=tuple(part for rows in several for part in rows.parts),
            part_of=torch.cat([r.part_of + o for r, o in zip(several, offsets, strict=False)]),
            place=torch.cat([rows.place for rows in several]),
            scene_ids=tuple(scene for rows in several for scene in rows.scene_ids),
        )

    def __len__(self) -> int:
        return len(self.scene_ids)

    @property
    def n_layers(self) -> int:
        """Layers below the last; the residuals of one row are these and the last."""
        return len(self.layers)

    @property
    def layers(self) -> range:
        """The number of each layer below the last, as the model counts."""
        return range(self.parts[0].shape[1] - 1) if self.below is None else self.below

    @property
    def d_model(self) -> int:
        return self.parts[0].shape[2]

    def select(self, rows: Sequence[int] | Int[Tensor, " chosen"]) -> "ResidualRows":
        """Some of the rows, in the order given; nothing is read."""
        index = torch.as_tensor(rows, dtype=torch.int64)
        return replace(
            self,
            part_of=self.part_of[index],
            place=self.place[index],
            scene_ids=tuple(self.scene_ids[row] for row in index.tolist()),
        )

    def of_layers(self, layers: range) -> "ResidualRows":
        """These rows, of which only some neighbouring layers and the last are ever read."""
        return replace(self, below=layers)

    def thinned(self, most: int) -> "ResidualRows":
        """At most `most` of the rows, evenly spaced."""
        if len(self) <= most:
            return self
        return self.select(torch.arange(most) * len(self) // most)

    def take(self, rows: Int[Tensor, " chosen"]) -> Float[Tensor, "chosen layer d_model"]:
        """The residuals of some rows, in float32. UserError if one is not finite."""
        out = torch.empty(len(rows), self.n_layers + 1, self.d_model)
        part_of, place = self.part_of[rows], self.place[rows]
        for part in part_of.unique().tolist():
            here = (part_of == part).nonzero()[:, 0]
            if self.below is None:
                out[here] = self.parts[part][place[here]].float()
                continue
            chosen, some = self.parts[part], slice(self.below.start, self.below.stop)
            out[here, :-1] = chosen[:, some][place[here]].float()
            out[here, -1] = chosen[:, -1][place[here]].float()
        if not torch.isfinite(out.sum()):
            self._refuse_not_finite(out, rows)
        return out

    def blocks(self, size: int) -> Iterator[Float[Tensor, "chosen layer d_model"]]:
        """All rows in order, so many at a time."""
        for start in range(0, len(self), size):
            yield self.take(torch.arange(start, min(start + size, len(self))))

    def digest(self) -> str:
        """A hash of shape, scenes and a sample of the values: other data has another one."""
        total = hashlib.sha256(repr((self.n_layers, self.d_model, self.scene_ids)).encode())
        sample = self.thinned(_DIGEST_ROWS)
        total.update(sample.take(torch.arange(len(sample))).numpy().tobytes())
        return total.hexdigest()

    def _named(self, place: int) -> int:
        return self.parts[0].shape[1] - 1 if place == self.n_layers else self.layers[place]

    def _refuse_not_finite(
        self, values: Float[Tensor, "chosen layer d_model"], rows: Int[Tensor, " chosen"]
    ) -> None:
        bad = (~torch.isfinite(values)).nonzero()
        if len(bad):
            row, layer, unit = bad[0].tolist()
            scene = self.scene_ids[int(rows[row])]
            raise UserError(
                f"residuals must be finite, got {values[row, layer, unit].item()} for scene "
                f"{scene} at layer {self._named(layer)}: capture again in float32 or "
                "bfloat16 (float16 overflows), or leave the scene out"
            )


def split_by_scene(rows: ResidualRows) -> dict[str, ResidualRows]:
    """The rows of the train, validation and test scenes. UserError if a side has no scene.

    >>> rows = ResidualRows.of(torch.zeros(40, 2, 1), [f"scene {n % 20}" for n in range(40)])
    >>> sides = split_by_scene(rows)
    >>> {side: len(part) for side, part in sides.items()}
    {'train': 30, 'validation': 8, 'test': 2}
    """
    side_of = {scene: split_of(scene) for scene in set(rows.scene_ids)}
    sides = {}
    for side in ("train", "validation", "test"):
        chosen = [row for row, scene in enumerate(rows.scene_ids) if side_of[scene] == side]
        if not chosen:
            raise UserError(
                f"need at least one {side} scene, got none of {len(side_of)} scenes: use more"
            )
        sides[side] = rows.select(chosen)
    return sides


def require_no_leak(sides: Mapping[str, ResidualRows]) -> None:
    """Refuse sides that share a scene, and residuals that differ in layers or width.

    UserError that names the scene, or what the sides have.

    >>> one, other = (ResidualRows.of(torch.zeros(1, 2, 1), [scene]) for scene in ("a", "b"))
    >>> require_no_leak({"train": one, "validation": other})
    >>> require_no_leak({"train": one, "validation": one})  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    data_prep.errors.UserError: scene a is in train and in validation: split by scene ...
    """
    home: dict[str, str] = {}
    shapes = {side: (rows.n_layers, rows.d_model) for side, rows in sides.items()}
    if len(set(shapes.values())) > 1:
        raise UserError(f"all rows must have the same layers and width, got {shapes}")
    for side, rows in sides.items():
        for scene in dict.fromkeys(rows.scene_ids):
            if home.setdefault(scene, side) != side:
                raise UserError(
                    f"scene {scene} is in {home[scene]} and in {side}: split by scene "
                    "(split_by_scene), or what is learnt about it leaks into the judgement"
                )
