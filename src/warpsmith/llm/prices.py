"""What an answer cost, by the public price list that `genai-prices` carries; nothing is fetched."""

from __future__ import annotations

import importlib
import math
from typing import Any

from warpsmith.llm.base import ModelSpec, Usage


def usd_of(usage: Usage, model: ModelSpec, served: str = "") -> float | None:
    """Return the price of `usage` in US dollars; None where the list does not know model or provider.

    The provider is recognised by address, so that a model served on one's own machine never gets the
    price of its namesake.

    Args:
        usage: tokens.
        model: whose address says which provider's prices apply, unless `price_as` does.
        served: what the provider says it served; tried before the name that was asked for.
    """
    try:
        prices: Any = importlib.import_module("genai_prices")
    except ModuleNotFoundError:
        return None
    tokens = prices.Usage(
        input_tokens=usage.prompt, cache_read_tokens=usage.cached, output_tokens=usage.completion
    )
    provider = (
        {"provider_id": model.price_as}
        if model.price_as
        else {"provider_api_url": model.base_url.rstrip("/")}
    )
    for name in dict.fromkeys((served, model.served or model.name)):
        if not name:
            continue
        try:
            price = float(prices.calc_price(tokens, name, **provider).total_price)
        except (LookupError, ValueError):  # ValueError: tokens of a kind that the list has no price for
            continue
        return price if math.isfinite(price) else None
    return None
