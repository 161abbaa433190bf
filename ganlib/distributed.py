"""Many processes that play one game: who has which rows of a batch, and what they must agree on.

Every process has the same weights and a share of each batch. Its losses are means over its share, the shares are
equally large, so the loss of the whole batch is the mean over the processes, and its gradient is the mean of theirs.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from .errors import PeerLost, UserError

TIMEOUT_SECONDS = 600.0
"""How long a process waits for the others: the first one writes checkpoints and pictures while they wait for it."""

MEETING = "GANLIB_MEETING"
"""Set by a launcher that listens already where the processes meet: to the first one, the number of that socket."""

GONE = ("closed by peer", "reset by peer", "Broken pipe", "Socket closed", "remote process exited", "ncclRemoteError")
SILENT = ("timed out", "timeout")


@dataclass(frozen=True)
class Team:
    """The processes that train one game together; alone, a team of one for which everything here is free.

    All of them must call the same methods in the same order. PeerLost where one of the others is gone.
    """

    rank: int = 0
    """Of this process, from 0; the first one writes and speaks for all."""
    size: int = 1
    local_rank: int = 0
    """Of this process among those on the same machine: the number of its CUDA device."""
    timeout_seconds: float = TIMEOUT_SECONDS

    def share(self, count: int) -> slice:
        """This process's rows of a global batch of `count`, which the team's size must divide."""
        assert count % self.size == 0, f"{count} rows are not shared equally by {self.size} processes"
        rows = count // self.size
        return slice(self.rank * rows, (self.rank + 1) * rows)

    def average_(self, tensors: Sequence[Tensor]) -> None:
        """Each tensor becomes its mean over the processes, in place and with the same bits in all of them.

        One all-reduce of one flat buffer for all tensors of a format: each one alone is a wait of its own.
        """
        if self.size == 1:
            return
        kinds: dict[tuple[torch.dtype, torch.device], list[Tensor]] = {}
        for tensor in tensors:
            kinds.setdefault((tensor.dtype, tensor.device), []).append(tensor.detach())
        for (dtype, device), alike in kinds.items():
            flat = torch.empty(sum(tensor.numel() for tensor in alike), dtype=dtype, device=device)
            pieces = torch.split(flat, [tensor.numel() for tensor in alike])
            # In the order of the indices, whatever the memory format: that may differ from process to process.
            views = [piece.view(tensor.shape) for piece, tensor in zip(pieces, alike, strict=True)]
            torch._foreach_copy_(views, alike)
            self._with_peers(dist.all_reduce, flat)
            flat.div_(self.size)
            torch._foreach_copy_(alike, views)

    def anyone(self, flag: bool) -> bool:
        """Whether `flag` is true in any process: the same answer to the same call everywhere.

        It waits for the other processes and for no device. A signal reaches them between different rounds, and they
        can only stop together. (An answer that is fetched one call later would spare the wait; but a process that
        fails then leaves an unfinished collective behind, and cannot end before that has timed out.)
        """
        if self.size == 1:
            return flag
        flags = torch.tensor([flag], dtype=torch.int32)
        self._with_peers(lambda tensor: dist.all_reduce(tensor, dist.ReduceOp.MAX), flags)
        return bool(flags.item())

    def barrier(self) -> None:
        """Returns when all have called it."""
        self.anyone(False)

    def gathered(self, tensor: Tensor) -> Tensor:
        """Every process's tensor, stacked in the order of their ranks; no gradient flows through it."""
        stacked = tensor.new_empty(self.size, *tensor.shape)
        self._with_peers(dist.all_gather_into_tensor, stacked.view(-1), tensor.reshape(-1))
        return stacked

    def _with_peers(self, collective: Callable[..., object], *tensors: Tensor) -> None:
        try:
            collective(*tensors)
        except RuntimeError as error:
            raise _explained(self, error) from error


def _explained(team: Team, error: RuntimeError) -> RuntimeError | PeerLost:
    """The sentence for a collective that failed because of another process; the error itself where it is no such."""
    other = f"Process {1 - team.rank} of the training's 2" if team.size == 2 else f"One of the {team.size} processes"
    way_out = "mend that, and the same command goes on from the last checkpoint."
    if any(mark in str(error) for mark in GONE):
        return PeerLost(f"{other} ended, and process {team.rank} cannot go on alone; its own words say why: {way_out}")
    if any(mark in str(error).lower() for mark in SILENT):
        waited = f"did not answer process {team.rank} for {team.timeout_seconds:g} s"
        return PeerLost(f"{other} {waited}; look at what it does (a full disk, a hung device?), {way_out}")
    return error


def join(device_type: str, *, timeout_seconds: float = TIMEOUT_SECONDS) -> Team:
    """The team that RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR and MASTER_PORT speak of, as torchrun sets them.

    Alone where they are not set. UserError where the others cannot be met, or there is no CUDA device for this one.
    """
    size, rank = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("RANK", "0"))
    local_rank = int(os.environ.get("LOCAL_RANK", str(rank)))
    if size == 1:
        return Team()
    if device_type == "cuda":
        if local_rank >= torch.cuda.device_count():
            raise UserError(
                f"Process {rank} of {size} needs a CUDA device of its own and this machine has "
                f"{torch.cuda.device_count()}; lower train.processes to that, or set device to cpu."
            )
        torch.cuda.set_device(local_rank)
    team = Team(rank, size, local_rank, timeout_seconds)
    try:
        _meet("cpu:gloo,cuda:nccl" if device_type == "cuda" else "gloo", team)
    except (RuntimeError, ValueError) as error:
        if any(mark in str(error) for mark in GONE):
            raise _explained(team, RuntimeError(error)) from error
        place = f"{os.environ.get('MASTER_ADDR')}:{os.environ.get('MASTER_PORT')}"
        raise UserError(
            f"Process {rank} of {size} did not meet the others at {place} ({str(error).splitlines()[0]}); "
            f"start them all with one command (train.processes, or torchrun), and let that address be reachable."
        ) from error
    return team


def _meet(backend: str, team: Team) -> None:
    timeout = timedelta(seconds=team.timeout_seconds)
    socket = os.environ.get(MEETING)
    if socket is None:
        dist.init_process_group(backend, timeout=timeout)
        return
    place = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    first = team.rank == 0
    store = dist.TCPStore(  # type: ignore[attr-defined]
        *place, team.size, is_master=first, timeout=timeout, master_listen_fd=int(socket) if first else None
    )
    dist.init_process_group(backend, store=store, rank=team.rank, world_size=team.size, timeout=timeout)


def leave(team: Team) -> None:
    """Ends the team, where all have come to the end; a process that fails just exits, and the others notice."""
    if team.size > 1:
        dist.destroy_process_group()


def synchronised(network: nn.Module, team: Team) -> nn.Module:
    """The same network, whose batch normalisation looks at the whole global batch; its state dict stays the same."""
    if team.size == 1:
        return network
    for module in network.modules():
        if type(module) is nn.BatchNorm2d:
            # Still the same object, so that parents, hooks and optimisers keep what they hold.
            module.__class__ = SynchronisedBatchNorm2d
            assert isinstance(module, SynchronisedBatchNorm2d)
            module.team = team
        known = isinstance(module, SynchronisedBatchNorm2d) or not isinstance(module, nn.modules.batchnorm._BatchNorm)
        assert known, f"{type(module).__name__} would see the share of one process alone"
    return network


class SynchronisedBatchNorm2d(nn.BatchNorm2d):
    """Batch normalisation (Ioffe & Szegedy 2015) over the batches of all processes, which must be equally large.

    In evaluation it is plain batch normalisation, so that one process can draw pictures by itself.
    """

    team: Team

    def forward(self, activations: Tensor) -> Tensor:
        """Differentiable once, which a generator's step needs; a gradient penalty through it is not defined."""
        if not self.training:
            return super().forward(activations)
        normalised, mean, variance = _Normalise.apply(activations, self.weight, self.bias, self.eps, self.team)
        if self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            count = self.team.size * activations[:, 0].numel()
            self._remember(self.running_mean, mean)
            self._remember(self.running_var, variance * (count / (count - 1)))
        made: Tensor = normalised
        return made

    def _remember(self, running: Tensor | None, seen: Tensor) -> None:
        """An exponential average, or (no momentum) the plain one over all batches so far."""
        assert running is not None
        assert self.num_batches_tracked is not None
        if self.momentum is None:
            running.lerp_(seen.to(running), (1 / self.num_batches_tracked).to(running))
        else:
            running.lerp_(seen.to(running), self.momentum)


class _Normalise(torch.autograd.Function):
    """(x - mean) / sqrt(variance + eps) * weight + bias, with the statistics of all processes.

    The gradient is that of the sum of all processes' losses; averaged over the processes, as every gradient is, it
    becomes that of their mean.
    """

    @staticmethod
    def forward(
        ctx: Any, activations: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float, team: Team
    ) -> tuple[Tensor, Tensor, Tensor]:
        wide = activations.float() if activations.dtype in (torch.bfloat16, torch.float16) else activations
        # Mean and biased variance; much faster on a CPU than torch.var_mean.
        means, variances = team.gathered(torch.stack(torch.batch_norm_update_stats(wide, None, None, 0.0))).unbind(1)
        mean = means.mean(0)
        variance = variances.mean(0) + (means - mean).square().mean(0)
        normalised = torch.native_batch_norm(activations, weight, bias, mean, variance, False, 0.0, eps)[0]
        ctx.save_for_backward(activations, weight, mean, variance)
        ctx.has_bias, ctx.eps, ctx.team = bias is not None, eps, team
        ctx.mark_non_differentiable(mean, variance)
        return normalised, mean, variance

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
        activations, weight, mean, variance = ctx.saved_tensors
        # As if the statistics were constants: dx, and the sums over images and pixels of dy * x_hat and of dy.
        direct, of_weight, of_bias = torch.ops.aten.native_batch_norm_backward(
            gradient, activations, weight, mean, variance, None, None, False, ctx.eps, [True, True, True]
        )
        # And what flows through them (Ioffe & Szegedy 2015, section 3), from the same sums of all processes.
        count = ctx.team.size * activations[:, 0].numel()
        with_activations, alone = ctx.team.gathered(torch.stack([of_weight, of_bias])).sum(0) / count
        scale = (variance + ctx.eps).rsqrt()
        gain = scale if weight is None else scale * weight
        slope = -gain * scale * with_activations
        offset = -gain * alone - slope * mean
        indirect = torch.addcmul(offset.view(-1, 1, 1), activations, slope.view(-1, 1, 1))
        of_activations = indirect.add_(direct).to(activations.dtype)
        return of_activations, None if weight is None else of_weight, of_bias if ctx.has_bias else None, None, None
