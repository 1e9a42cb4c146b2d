"""SpatialVLM: RGB tower, depth tower, two projectors and a Qwen2 language model, composed.

The path of one sample: tiles -> tower -> projector -> one feature block per media token, each followed by the
embedding of a newline -> put in place of its media token -> language model (paper section 3.2, figure 3).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor
from transformers import GenerationConfig, GenerationMixin, PreTrainedModel, Qwen2ForCausalLM
from transformers.cache_utils import Cache
from transformers.modeling_outputs import CausalLMOutputWithPast

from roborefer.models import checkpoint, checkpoint_writer, transformers_generation
from roborefer.models.attention import RAGGED_SDPA, full_attention_mask
from roborefer.models.compact_tokenizer import PointTokens, point_tokens
from roborefer.models.config import ModelConfig
from roborefer.models.fusion import FusedBatch, insert_media, pack, with_newline
from roborefer.models.point_head import DenseFeatures, PointHead
from roborefer.models.point_supervision import loss_with_points
from roborefer.models.projector import Projector, project_pictures
from roborefer.models.prompt import IGNORE_INDEX, end_token_id, media_token_ids
from roborefer.models.vision_tower import VisionTower

BlockSize = tuple[int, int] | None
Stage = Literal["align", "sft", "none"]

# Tiles that go through a tower together: enough to fill the cores, few enough to keep activations small.
_TILES_AT_ONCE = 4


class SpatialVLM(PreTrainedModel, GenerationMixin):
    """The model. ``from_pretrained`` and ``save_pretrained`` read and write the published folder layout."""

    config_class = ModelConfig
    base_model_prefix = "llm"
    main_input_name = "input_ids"
    supports_gradient_checkpointing = True
    _supports_sdpa = True
    _tied_weights_keys = {"llm.lm_head.weight": "llm.model.embed_tokens.weight"}  # noqa: RUF012

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        hidden_size = config.text_config.hidden_size
        self.llm = Qwen2ForCausalLM._from_config(config.text_config, attn_implementation=RAGGED_SDPA)
        layer = config.mm_vision_select_layer
        self.vision_tower = VisionTower(config.vision_config, layer, config.vision_stem)
        self.mm_projector = Projector(config.mm_projector_type, config.projector_input_size, hidden_size)
        self.depth_tower, self.depth_projector = None, None
        if config.depth_projector_type is not None:
            self.depth_projector = Projector(config.depth_projector_type, config.projector_input_size, hidden_size)
        if config.depth_config is not None:
            self.depth_tower = VisionTower(config.depth_config, layer, config.depth_stem)
        self.point_head = None if config.point_head_size is None else PointHead(config)
        # Token ids belong to the tokenizer; the processor that comes with the checkpoint sets them.
        self.image_token_id: int = -1
        self.depth_token_id: int = -1
        self.newline_token_ids: tuple[int, ...] = ()
        self.point_tokens: PointTokens | None = None
        # Run each part exactly once a batch, towers with a blank tile if it has no picture for them. Processes that
        # share weights must take the same steps, and a batch without depth must give a lone projector a gradient.
        self.run_every_part = False
        self.keep_statistics = False
        self.post_init()

    def get_input_embeddings(self) -> torch.nn.Module:
        return self.llm.get_input_embeddings()

    def set_input_embeddings(self, value: torch.nn.Module) -> None:
        self.llm.set_input_embeddings(value)

    def get_output_embeddings(self) -> torch.nn.Module:
        return self.llm.get_output_embeddings()

    def set_media_tokens(self, image: int, depth: int, newline: Sequence[int]) -> None:
        """Tell the model which token ids stand for pictures, and which follow each of them."""
        self.image_token_id, self.depth_token_id = image, depth
        self.newline_token_ids = tuple(newline)

    def set_point_tokens(self, tokens: PointTokens | None) -> None:
        """Tell a model with a point head which tokens write a point; without, it cannot be fine-tuned on points."""
        self.point_tokens = tokens

    def set_trainable(self, stage: Stage) -> None:
        """Choose the parameters of a training stage (paper section 3.2): ``align`` the depth projector only,
        ``sft`` everything that is ever computed, ``none`` nothing. The statistics of stems stay as they are: those of
        the few pictures of a step say little."""
        self.requires_grad_(stage == "sft")
        self.keep_statistics = True
        for tower in (self.vision_tower, self.depth_tower):
            if tower is not None:
                tower.freeze_unused()
        if stage == "align":
            if self.depth_projector is None:
                raise ValueError("expected a model with a depth projector for stage 'align', got an RGB-only one")
            self.depth_projector.requires_grad_(True)

    def train(self, mode: bool = True) -> SpatialVLM:
        """Training or evaluation mode; with ``keep_statistics`` stems normalize as in evaluation either way."""
        super().train(mode)
        if self.keep_statistics:
            for module in self.modules():
                if isinstance(module, torch.nn.BatchNorm2d):
                    module.eval()
        return self

    def enable_input_require_grads(self) -> None:
        """Nothing: checkpointed activations need no such help, and frozen towers would compute gradients for nobody."""

    # ---- media -------------------------------------------------------------------------------------------------

    def encode_media(self, pixels: Tensor, block_sizes: Sequence[BlockSize], *, depth: bool) -> list[Tensor]:
        """Features for every media token of one kind, in prompt order.

        Args:
            pixels: (T, 3, S, S), the tiles of all pictures one after another.
            block_sizes: For ``dynamic_s2``, (rows, columns) per picture; ignored otherwise.
            depth: Which tower and projector to use. Without a depth tower, depth goes through the RGB tower.

        Returns:
            One (n, H) tensor per media token: per tile, or per picture for ``dynamic_s2``. The embedding of the
            newline is its last row.
        """
        tower = self.depth_tower if depth and self.depth_tower is not None else self.vision_tower
        projector = self.depth_projector if depth else self.mm_projector
        if projector is None:
            raise ValueError("expected a model with a depth projector to encode depth, got an RGB-only one")
        pixels = pixels.to(device=self.device, dtype=self.dtype)
        features = self._tower_features(tower, pixels)
        blocks = project_pictures(projector, features, block_sizes, self.config)
        newline = self.newline()
        return [with_newline(block, newline) for block in blocks]

    def look(self, pixel_values: Tensor, depth_values: Tensor | None) -> tuple[Tensor, Tensor | None, DenseFeatures]:
        """For a model with a point head: embeddings of B pictures, and the features that points are read from.

        Args:
            pixel_values, depth_values: (B, 3, S, S), one tile a picture; None without depth.

        Returns:
            (B, N, H) of the RGB tower, (B, M, H) of the depth tower or None, each with the newline's embedding as
            its last row as in :meth:`encode_media`, and the dense features of the same pictures.

        Raises:
            ValueError: the model has no point head.
        """
        if self.point_head is None:
            raise ValueError("expected a model with a point head, got one that writes coordinates as text")
        vision = self.vision_tower.dense(pixel_values.to(device=self.device, dtype=self.dtype))
        newline = self.newline()
        images = with_newline(self.mm_projector(vision[0]), newline)
        depth, depths = None, None
        if depth_values is not None and self.depth_tower is not None and self.depth_projector is not None:
            depth = self.depth_tower.dense(depth_values.to(device=self.device, dtype=self.dtype))
            depths = with_newline(self.depth_projector(depth[0]), newline)
        return images, depths, self.point_head.look(vision, depth)

    def newline(self) -> Tensor:
        """(1, H): the embedding that stands behind the features of each picture."""
        return self.get_input_embeddings()(torch.tensor(self.newline_token_ids, device=self.device))

    def _tower_features(self, tower: VisionTower, pixels: Tensor) -> Tensor:
        if torch.is_grad_enabled() or self.run_every_part:
            return tower(pixels)
        return torch.cat([tower(part) for part in torch.split(pixels, _TILES_AT_ONCE)])

    # ---- fusion ------------------------------------------------------------------------------------------------

    def fuse(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None,
        images: Sequence[Tensor],
        depths: Sequence[Tensor],
        labels: Tensor | None = None,
    ) -> FusedBatch:
        """Put media features in place of their tokens; cut at ``model_max_length``; pad on the right.

        Args:
            input_ids: (B, S) int64.
            attention_mask: (B, S), 1 at tokens; None for no padding.
            images, depths: What :meth:`encode_media` returned, in the order of the tokens.
            labels: (B, S) int64 or None.

        Raises:
            ValueError: the number of features differs from the number of tokens.
        """
        self._check_media_counts(input_ids, attention_mask, images, depths)
        streams = {self.image_token_id: iter(images), self.depth_token_id: iter(depths)}
        embeddings = self.get_input_embeddings()(input_ids)
        rows, row_labels = [], []
        for index, ids in enumerate(input_ids):
            keep = slice(None) if attention_mask is None else attention_mask[index].bool()
            ids = ids[keep]
            row_label = torch.full_like(ids, IGNORE_INDEX) if labels is None else labels[index][keep]
            row, row_label = insert_media(ids, embeddings[index][keep], row_label, streams)
            rows.append(row[: self.config.model_max_length])
            row_labels.append(row_label[: self.config.model_max_length])
        mask = [torch.ones(len(row), dtype=torch.bool, device=row.device) for row in rows]
        pad = torch.nn.utils.rnn.pad_sequence
        return FusedBatch(pad(rows, batch_first=True), pad(mask, batch_first=True), pad(row_labels, True, IGNORE_INDEX))

    def _check_media_counts(
        self, input_ids: Tensor, attention_mask: Tensor | None, images: Sequence[Tensor], depths: Sequence[Tensor]
    ) -> None:
        real = input_ids if attention_mask is None else input_ids[attention_mask.bool()]
        for name, token, features in (("image", self.image_token_id, images), ("depth", self.depth_token_id, depths)):
            count = int((real == token).sum())
            if count != len(features):
                raise ValueError(f"expected {count} {name} features for the {name} tokens, got {len(features)}")

    # ---- language model ----------------------------------------------------------------------------------------

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        pixel_values: Tensor | None = None,
        depth_values: Tensor | None = None,
        image_block_sizes: Sequence[BlockSize] | None = None,
        depth_block_sizes: Sequence[BlockSize] | None = None,
        labels: Tensor | None = None,
        packed: bool = False,
        loss_only: bool = False,
        inputs_embeds: Tensor | None = None,
        position_ids: Tensor | None = None,
        past_key_values: Cache | None = None,
        use_cache: bool | None = None,
        logits_to_keep: int | Tensor = 0,
        **kwargs: Any,
    ) -> CausalLMOutputWithPast:
        """Logits (B, F, V) over the fused sequence, and the mean loss over supervised tokens.

        Args:
            input_ids: (B, S) int64 with media tokens; or ``inputs_embeds`` (B, F, H), already fused.
            attention_mask: (B, S), or (B, F) with ``inputs_embeds``.
            pixel_values, depth_values: (T, 3, S, S) tiles of all pictures of the batch, in prompt order.
            image_block_sizes, depth_block_sizes: (rows, columns) per picture for ``dynamic_s2``.
            labels: (B, S) int64, ``IGNORE_INDEX`` where the loss does not count.
            packed: Put all samples of the batch in one row. Positions restart at each sample and attention stays
                inside it, so the loss equals the padded one and no padding is computed. Logits are (1, sum F, V).
            loss_only: With labels, return the loss without logits: the vocabulary is scored at supervised tokens only.
        """
        mask: Any = attention_mask
        if inputs_embeds is None:
            if input_ids is None:
                raise ValueError("expected input_ids or inputs_embeds, got neither")
            if self.point_head is not None and loss_only and labels is not None:
                fed = (input_ids, attention_mask, pixel_values, depth_values, labels)
                return CausalLMOutputWithPast(loss=loss_with_points(self, *fed, packed=packed))
            images = self.features(pixel_values, image_block_sizes, depth=False)
            idle = [] if images else self._idle_part(depth=False)
            depths = self.features(depth_values, depth_block_sizes, depth=True)
            idle += [] if depths else self._idle_part(depth=True)
            fused = self.fuse(input_ids, attention_mask, images, depths, labels)
            inputs_embeds, mask = fused.inputs_embeds, fused.attention_mask
            labels = None if labels is None else fused.labels
            if packed:
                inputs_embeds, position_ids, labels = pack(fused)
                mask = full_attention_mask(self.llm.config.layer_types)
                kwargs["packed_lengths"] = fused.attention_mask.sum(dim=1).tolist()
            for zero in idle:
                inputs_embeds = inputs_embeds + zero.to(inputs_embeds.dtype)
        if loss_only and labels is not None:
            hidden = self.llm.model(
                inputs_embeds=inputs_embeds,
                attention_mask=mask,
                position_ids=position_ids,
                use_cache=False,
                **kwargs,
            ).last_hidden_state
            return CausalLMOutputWithPast(loss=self.supervised_loss(hidden, labels))
        return self.llm(
            inputs_embeds=inputs_embeds,
            attention_mask=mask,
            position_ids=position_ids,
            past_key_values=past_key_values,
            labels=labels,
            use_cache=use_cache if labels is None else False,
            logits_to_keep=logits_to_keep,
            **kwargs,
        )

    def supervised_loss(self, hidden: Tensor, labels: Tensor, count: Tensor | None = None) -> Tensor:
        """Mean loss over supervised tokens, 0 without any; the vocabulary is scored at these tokens alone.

        Args:
            hidden: (B, F, H) of the decoder.
            labels: (B, F) int64, ``IGNORE_INDEX`` where nothing is supervised.
            count: What the sum is divided by, if not their number.
        """
        targets = labels[:, 1:]
        rows = targets != IGNORE_INDEX
        logits = self.llm.lm_head(hidden[:, :-1][rows])
        total = torch.nn.functional.cross_entropy(logits.float(), targets[rows], reduction="sum")
        return total / (rows.sum().clamp(min=1) if count is None else count)

    def _idle_part(self, *, depth: bool) -> list[Tensor]:
        """With ``run_every_part``, a 0 that tower, projector and newline gave for a blank tile; else nothing."""
        tower = self.depth_tower if depth and self.depth_tower is not None else self.vision_tower
        projector = self.depth_projector if depth else self.mm_projector
        if not self.run_every_part or projector is None:
            return []
        size = self.config.tile_size
        features = tower(torch.zeros(1, 3, size, size, device=self.device, dtype=self.dtype))
        scales = self.config.projector_input_size // features.shape[-1]
        block = projector(features.repeat(1, 1, scales))
        return [0.0 * (block.sum() + self.newline().sum())]

    def features(self, pixels: Tensor | None, block_sizes: Sequence[BlockSize] | None, *, depth: bool) -> list[Tensor]:
        """:meth:`encode_media` where there may be no pictures of a kind."""
        if pixels is None or len(pixels) == 0:
            return []
        return self.encode_media(pixels, block_sizes or [None] * len(pixels), depth=depth)

    def generate(
        self,
        input_ids: Tensor,
        generation_config: GenerationConfig | None = None,
        *,
        attention_mask: Tensor | None = None,
        pixel_values: Tensor | None = None,
        depth_values: Tensor | None = None,
        image_block_sizes: Sequence[BlockSize] | None = None,
        depth_block_sizes: Sequence[BlockSize] | None = None,
        **kwargs: Any,
    ) -> Any:
        """transformers' generation for what the processor returns; greedy unless ``kwargs`` say otherwise.

        ``roborefer.models.generation`` is faster for several questions about one picture.

        Args:
            input_ids: (B, S) int64 with media tokens, padded on the right.
            generation_config: None for the model's own.
            attention_mask, pixel_values, depth_values, image_block_sizes, depth_block_sizes: See :meth:`forward`.
            kwargs: Of ``transformers.GenerationMixin.generate``, such as ``max_new_tokens``.

        Returns:
            (B, S + N): ``input_ids`` and the new tokens behind them, as every model of transformers gives them.
        """
        return transformers_generation.generate(
            self,
            input_ids,
            generation_config,
            attention_mask=attention_mask,
            pixel_values=pixel_values,
            depth_values=depth_values,
            block_sizes={"image_block_sizes": image_block_sizes, "depth_block_sizes": depth_block_sizes},
            **kwargs,
        )

    # ---- on disk -----------------------------------------------------------------------------------------------

    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path: str | Path,
        *,
        dtype: str | torch.dtype = "auto",
        device: str | torch.device = "cpu",
        progress: bool = False,
        revision: str | None = None,
        tokenizer: Any = None,
        **kwargs: Any,
    ) -> SpatialVLM:
        """Load a published folder, or one of ours: strict, streamed tensor by tensor, safetensors only.

        Args:
            pretrained_model_name_or_path: A folder, or a hub id.
            dtype: A torch dtype, its name, or ``auto`` for the dtype that is stored.
            device: Where the weights go.
            progress: Show a progress bar on stderr.
            revision: Branch, tag or commit, for a hub id.
            tokenizer: The checkpoint's, if it is at hand: with the real vocabulary it takes a second and 0.1 GB.

        Raises:
            CheckpointError: a part, tensor or shape is missing, extra or wrong; the message names it.
        """
        folder = checkpoint.resolve_folder(pretrained_model_name_or_path, revision)
        config = kwargs.pop("config", None) or checkpoint.read_config(folder)
        target = checkpoint.resolve_dtype(folder, kwargs.pop("torch_dtype", dtype))
        config.dtype = target
        model: SpatialVLM = checkpoint.build(cls, config, folder)
        # Before the weights, so that what it needs on the way is free again when memory is at its peak.
        tokenizer = tokenizer or checkpoint.load_tokenizer(folder)
        checkpoint.load_weights(model, folder, dtype=target, device=torch.device(device), progress=progress)
        if len(tokenizer) != config.text_config.vocab_size:
            checkpoint.resize_vocabulary(model, len(tokenizer))
        model.set_media_tokens(*media_token_ids(tokenizer))
        model.set_point_tokens(point_tokens(tokenizer))
        # Greedy, whatever the checkpoint's generation_config.json says: so the published model is asked.
        model.generation_config = GenerationConfig(
            do_sample=False, eos_token_id=end_token_id(tokenizer), pad_token_id=tokenizer.pad_token_id
        )
        return model.eval()

    def save_pretrained(self, save_directory: str | Path, **kwargs: Any) -> None:
        """Write the published folder layout. The tokenizer is the processor's to save."""
        checkpoint_writer.save_weights(self, Path(save_directory))
