"""A vision transformer (Dosovitskiy et al. 2021) with scaled branches (Touvron et al. 2021), as DINOv2 has it.

Parts bear the names that its published weights have.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float32
from torch import Tensor, nn

PATCH = 14
"""Pixels on a patch's side."""
TRAINED_GRID = 37
"""Patches on the side of the pictures that the positions were learned with."""
OFFSET = 0.1
"""Of a patch, which positions are interpolated too far: a habit of the published networks that their features need."""
EPSILON = 1e-6

Tokens = Float32[Tensor, "batch tokens features"]
Read = Float32[Tensor, "batch read features"]
"""The first of them, or all."""


class VisionTransformer(nn.Module):
    """Square pictures in, what the class token has become out."""

    def __init__(self, features: int, depth: int, heads: int, *, gated: bool) -> None:
        """`gated`: perceptrons whose one half opens or closes the other (SwiGLU; Shazeer 2020)."""
        super().__init__()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, features))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + TRAINED_GRID**2, features))
        self.mask_token = nn.Parameter(torch.zeros(1, features))  # only training used it
        self.patch_embed = nn.ModuleDict({"proj": nn.Conv2d(3, features, PATCH, stride=PATCH)})
        self.blocks = nn.ModuleList(Block(features, heads, gated=gated) for _ in range(depth))
        self.norm = nn.LayerNorm(features, eps=EPSILON)

    def fit_places(self, side: int) -> None:
        """Interpolates the learned positions, once, to pictures of `side` pixels."""
        grid, learned = side // PATCH, self.pos_embed.data
        places = learned[:, 1:].view(1, TRAINED_GRID, TRAINED_GRID, -1).permute(0, 3, 1, 2)
        factor = (grid + OFFSET) / TRAINED_GRID
        fitted = F.interpolate(places, scale_factor=(factor, factor), mode="bicubic").flatten(2).mT
        self.pos_embed = nn.Parameter(torch.cat([learned[:, :1], fitted], dim=1))

    def embed(self, images: Float32[Tensor, "batch 3 height width"]) -> Tokens:
        """The class token and the patches, each in its place."""
        patches = self.patch_embed["proj"](images).flatten(2).mT
        return torch.cat([self.cls_token.expand(len(images), -1, -1), patches], dim=1) + self.pos_embed

    def forward(self, images: Float32[Tensor, "batch 3 height width"]) -> Float32[Tensor, "batch features"]:
        """Of pictures of the size that `fit_places` was told, normalised."""
        tokens = self.embed(images)
        for block in self.blocks[:-1]:
            tokens = block(tokens)
        # Of the last block nobody reads more than the class token.
        tokens = self.blocks[-1](tokens, read=1)
        features: Tensor = self.norm(tokens[:, 0])
        return features


class Block(nn.Module):
    """Attention, then a perceptron; both normalise what comes in, and are scaled before they are added to it."""

    def __init__(self, features: int, heads: int, *, gated: bool) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(features, eps=EPSILON)
        self.attn = Attention(features, heads)
        self.ls1 = Scale(features)
        self.norm2 = nn.LayerNorm(features, eps=EPSILON)
        self.mlp: nn.Module = GatedPerceptron(features) if gated else Perceptron(features)
        self.ls2 = Scale(features)

    def forward(self, tokens: Tokens, read: int | None = None) -> Read:
        """The first `read` tokens, or all."""
        tokens = tokens[:, :read] + self.ls1(self.attn(self.norm1(tokens), read))
        added: Tensor = tokens + self.ls2(self.mlp(self.norm2(tokens)))
        return added


class Attention(nn.Module):
    """Every token asks all tokens, in several heads at once."""

    def __init__(self, features: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(features, 3 * features)
        self.proj = nn.Linear(features, features)

    def forward(self, tokens: Tokens, read: int | None = None) -> Read:
        """What the first `read` tokens, or all, are told."""
        n, count, features = tokens.shape
        asked = self.qkv(tokens).view(n, count, 3, self.heads, features // self.heads)
        queries, keys, values = asked.permute(2, 0, 3, 1, 4).unbind(0)
        told = F.scaled_dot_product_attention(queries[:, :, :read], keys, values)
        mixed: Tensor = self.proj(told.transpose(1, 2).flatten(2))
        return mixed


class Scale(nn.Module):
    """A learned factor for each feature."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(features))

    def forward(self, tokens: Tokens) -> Tokens:
        """The tokens, scaled."""
        return tokens * self.gamma


class Perceptron(nn.Module):
    """Four times as wide inside as outside."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(features, 4 * features)
        self.fc2 = nn.Linear(4 * features, features)

    def forward(self, tokens: Tokens) -> Tokens:
        """Of each token by itself."""
        changed: Tensor = self.fc2(F.gelu(self.fc1(tokens)))
        return changed


class GatedPerceptron(nn.Module):
    """As many weights as `Perceptron` has, in three matrices; the width inside is a multiple of 8."""

    def __init__(self, features: int) -> None:
        super().__init__()
        inside = (8 * features // 3 + 7) // 8 * 8
        self.w12 = nn.Linear(features, 2 * inside)
        self.w3 = nn.Linear(inside, features)

    def forward(self, tokens: Tokens) -> Tokens:
        """Of each token by itself."""
        gate, value = self.w12(tokens).chunk(2, dim=-1)
        changed: Tensor = self.w3(F.silu(gate) * value)
        return changed
