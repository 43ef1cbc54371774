"""A vendor's library, forced onto the operator that the reference calls.

Only where the reference calls such an operator through torch; one that spells attention out in
products and a softmax has no library baseline. Knows torch's switches and no vendor's API.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, Literal, NamedTuple

import msgspec

from warpsmith.worker.baselines.base import DoesNotApply

_ATTENTION = "torch's scaled_dot_product_attention"
_PRODUCTS = ("mm", "addmm", "bmm", "baddbmm", "_scaled_mm", "_int_mm")
_CONVOLUTIONS = ("convolution", "_convolution", "cudnn_convolution", "_cudnn_rnn", "cudnn_batch_norm")


class _Route(NamedTuple):
    """How to force one library.

    Attributes:
        library: its name, for people.
        calls: what the reference has to call, for people.
        operators: names of the operators one of which has then run; those of attention on a CPU end
            in `_for_cpu`.
        on_cpu: whether it has a CPU side.
    """

    library: str
    calls: str
    operators: tuple[str, ...]
    on_cpu: bool = False


_ROUTES = {
    "cublas": _Route("cuBLAS", "a matrix product", _PRODUCTS),
    "cublaslt": _Route("cuBLASLt", "a matrix product", _PRODUCTS),
    "cudnn": _Route("cuDNN's search over algorithms", "a convolution", _CONVOLUTIONS),
    "sdpa-flash": _Route(
        "FlashAttention",
        _ATTENTION,
        ("_scaled_dot_product_flash_attention", "_scaled_dot_product_flash_attention_for_cpu"),
        on_cpu=True,
    ),
    "sdpa-efficient": _Route(
        "memory-efficient attention", _ATTENTION, ("_scaled_dot_product_efficient_attention",)
    ),
    "sdpa-cudnn": _Route("cuDNN attention", _ATTENTION, ("_scaled_dot_product_cudnn_attention",)),
}


class Library(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One of torch's ways into a vendor's library, named after the colon: `library:sdpa-flash`.

    Attributes:
        mode: `cublas` and `cublaslt` for products, `cudnn` for convolutions with cuDNN's own search, and
            `sdpa-flash`, `sdpa-efficient` and `sdpa-cudnn` for attention.
    """

    mode: Literal["cublas", "cublaslt", "cudnn", "sdpa-flash", "sdpa-efficient", "sdpa-cudnn"]

    def prepare(self, model: Any) -> Callable[..., Any]:
        """Return the module under the library's switch; its first call finds out whether that applies."""
        return _Forced(model, self.mode)


class _Forced:
    """The reference with one library switched on; the first call looks at what has run."""

    def __init__(self, model: Any, mode: str) -> None:
        self._model = model
        self._mode = mode
        self._route = _ROUTES[mode]
        self._has_run = False

    def __call__(self, *args: Any, **named: Any) -> Any:
        if self._has_run:
            with _switched(self._mode):
                return self._model(*args, **named)
        self._require_device(args, named)
        with _switched(self._mode), _seen() as seen:
            try:
                out = self._model(*args, **named)
            except RuntimeError as error:
                if "No available kernel" not in str(error):
                    raise
                raise DoesNotApply(
                    f"{self._route.library} does not take such inputs on this device"
                ) from error
        if not seen.intersection(self._route.operators):
            lacking = f"the reference does not call {self._route.calls}"
            raise DoesNotApply(f"{self._route.library} has nothing to do here: {lacking}")
        self._has_run = True
        return out

    def _require_device(self, args: Any, named: Any) -> None:
        import torch  # noqa: PLC0415 - names of baselines are listed on the host, without torch
        from torch.utils._pytree import tree_leaves  # noqa: PLC0415 - as above

        given = (leaf for leaf in tree_leaves((args, named)) if isinstance(leaf, torch.Tensor))
        is_cpu = all(tensor.device.type == "cpu" for tensor in given)
        if is_cpu and not self._route.on_cpu:
            raise DoesNotApply(f"{self._route.library} needs a CUDA device")


@contextlib.contextmanager
def _switched(mode: str) -> Iterator[None]:
    import torch  # noqa: PLC0415 - names of baselines are listed on the host, without torch
    from torch.nn.attention import SDPBackend, sdpa_kernel  # noqa: PLC0415 - as above

    backends = {
        "sdpa-flash": SDPBackend.FLASH_ATTENTION,
        "sdpa-efficient": SDPBackend.EFFICIENT_ATTENTION,
        "sdpa-cudnn": SDPBackend.CUDNN_ATTENTION,
    }
    if mode in backends:
        with sdpa_kernel(backends[mode]):
            yield
    elif mode == "cudnn":
        with torch.backends.cudnn.flags(enabled=True, benchmark=True, deterministic=False, allow_tf32=False):
            yield
    else:
        kept = torch.backends.cuda.preferred_blas_library()
        torch.backends.cuda.preferred_blas_library(mode)
        try:
            yield
        finally:
            torch.backends.cuda.preferred_blas_library(kept)


@contextlib.contextmanager
def _seen() -> Iterator[set[str]]:
    """Yield the names of the operators that run, filled as they do."""
    from torch.utils._python_dispatch import TorchDispatchMode  # noqa: PLC0415 - as above

    names: set[str] = set()

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            names.add(func._overloadpacket.__name__)  # noqa: SLF001 - as torch's own counter does
            return func(*args, **(kwargs or {}))

    with Watch():  # type: ignore[no-untyped-call]
        yield names
