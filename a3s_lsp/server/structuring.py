"""LSP's types around JSON values, and sentences about what does not fit them."""

from __future__ import annotations

import re

from cattrs import Converter, transform_error
from cattrs.errors import BaseValidationError
from lsprotocol import types
from pygls.exceptions import JsonRpcException, JsonRpcInvalidParams

# The converter collects what does not fit in a field; what is no object at all makes it stumble itself.
_MISFITS = (BaseValidationError, TypeError)
_SNAKE = re.compile(r"_([a-z])")


def is_request(method: str) -> bool:
    """Whether LSP knows the method as one that has a result."""
    return method in types.METHOD_TO_TYPES and types.METHOD_TO_TYPES[method][1] is not None


def structured_params(converter: Converter, method: str, params: object) -> object:
    """The parameters in the type that LSP gives them; plain JSON, or `{}` for none, if LSP does not know the method.

    Raises JsonRpcInvalidParams.
    """
    params = {} if params is None else params
    params_type = types.METHOD_TO_TYPES[method][2] if method in types.METHOD_TO_TYPES else None
    if not isinstance(params_type, type):
        return params
    try:
        return converter.structure(params, params_type)
    except _MISFITS as misfit:
        raise JsonRpcInvalidParams(f"The parameters of {method} are not valid: {_problems(misfit)}.") from misfit


def structured_result(converter: Converter, method: str, result: object) -> object:
    """The client's result in the type that LSP gives it, plain JSON if LSP does not know the method.

    Raises JsonRpcException.
    """
    response_type = types.METHOD_TO_TYPES[method][1] if method in types.METHOD_TO_TYPES else None
    if response_type is None:
        return result
    try:
        return converter.structure({"jsonrpc": "2.0", "id": 0, "result": result}, response_type).result
    except _MISFITS as misfit:
        raise JsonRpcException(f"The editor's answer to {method} is not valid: {_problems(misfit)}.") from misfit


def _problems(misfit: Exception) -> str:
    return _SNAKE.sub(lambda match: match[1].upper(), "; ".join(transform_error(misfit)))
