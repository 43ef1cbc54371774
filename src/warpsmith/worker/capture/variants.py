"""Inductor options that give structurally different code, the most valuable first.

Names and values only; what an option does is Inductor's matter. Options that the running torch does
not have are skipped, and with them the variants that would have nothing left. For one problem most
variants come out equal to an earlier one: `core.normalise` tells.
"""

from __future__ import annotations

import torch._inductor.config as inductor_config

Options = dict[str, object]

FUSED_MULTIPLY_ADD: Options = {"cpp.enable_floating_point_contract_flag": "fast"}
POOLED_MEMORY: Options = {"memory_planning": True}
EARLY_BUFFERS: Options = {"realize_opcount_threshold": 1}
UNFUSED: Options = {"max_fusion_size": 1}
TUNED: Options = {"max_autotune_pointwise": True, "coordinate_descent_tuning": True}
# Triton templates alone: with a library among the choices nothing would be generated where it wins.
GENERATED_MATMUL: Options = {
    "max_autotune": True,
    "max_autotune_gemm_backends": "TRITON",
    "max_autotune_conv_backends": "TRITON",
    "epilogue_fusion": True,
    "prologue_fusion": True,
    "benchmark_epilogue_fusion": False,
}
LOOPED: Options = {"triton.persistent_reductions": False}
TILED: Options = {"triton.prefer_nd_tiling": True, "triton.tile_reductions": True}

VARIANTS: dict[str, dict[str, Options]] = {
    "cpu": {
        "default": {},
        "fused-multiply-add": FUSED_MULTIPLY_ADD,
        "pooled-memory": POOLED_MEMORY,
        "short-vectors": {"cpp.simdlen": 256},
        "early-buffers": EARLY_BUFFERS,
        "pooled-fused-multiply-add": POOLED_MEMORY | FUSED_MULTIPLY_ADD,
        "separate-kernels": {"cpp.max_horizontal_fusion_size": 1},
        "read-once": {"realize_reads_threshold": 1},
        "scalar-tails": {"cpp.enable_loop_tail_vec": False},
        "tiled-always": {"cpp.enable_tiling_heuristics": False},
        "two-pass-variance": {"cpp.use_two_step_variance_threshold": 1 << 30},
        "plain-layout": {"layout_optimization": False},
        "pointwise-convolution": {"conv_1x1_as_mm": True},
        "fresh-buffers": {"inplace_buffers": False, "allow_buffer_reuse": False},
        "unfused": UNFUSED,
        "fast-math": FUSED_MULTIPLY_ADD | {"cpp.enable_unsafe_math_opt_flag": True},
        "one-thread": {"cpp.threads": 1},
        "scalar": {"cpp.simdlen": 1},
        "small-chunks": {"cpp.min_chunk_size": 64},
        "unpatterned": {"pattern_matcher": False},
        "fused-concatenation": {"force_pointwise_cat": True},
    },
    "cuda": {
        "default": {},
        "tuned": TUNED,
        "generated-matmul": GENERATED_MATMUL,
        "looped-reductions": LOOPED,
        "tiled": TILED,
        "cooperative-reductions": {"triton.force_cooperative_reductions": True},
        "looped-tuned": LOOPED | TUNED,
        "combined-kernels": {"combo_kernels": True},
        "tensor-descriptors": {"triton.use_tensor_descriptor": True, "assume_aligned_inputs": True},
        "unsplit-reductions": {"split_reductions": False},
        "early-buffers": EARLY_BUFFERS,
        "tiled-tuned": TILED | TUNED,
        "generated-matmul-tuned": GENERATED_MATMUL | TUNED,
        "fast-math": {"use_fast_math": True},
        "two-pass-softmax": {"online_softmax": False},
        "native-matmul": {"triton.native_matmul": True},
        "unfused": UNFUSED,
        "three-tiles": {"triton.prefer_nd_tiling": True, "triton.max_tiles": 3},
        "plain-layout": {"layout_optimization": False},
        "block-pointers": {"triton.use_block_ptr": True},
        "flat": {"triton.max_tiles": 1},
        "pooled-memory": POOLED_MEMORY,
        "unpatterned": {"pattern_matcher": False},
        "fused-concatenation": {"force_pointwise_cat": True},
    },
}


def known_options() -> Options:
    """Return the options of the running torch, with their values, by dotted name."""
    current = getattr(inductor_config, "get_config_copy", inductor_config.to_dict)
    return dict(current())


def variants(device_type: str) -> dict[str, Options]:
    """Return the option sets that the running torch knows, by name, the most valuable first.

    Args:
        device_type: `cpu` or `cuda`.
    """
    known = known_options()
    found: dict[str, Options] = {}
    for name, options in VARIANTS[device_type].items():
        usable = {option: value for option, value in options.items() if option in known}
        if usable or not options:
            found[name] = usable
    return found
