"""What kernels need of the machine and Numba does not offer: raw memory at addresses, and one instruction."""

# pyright: basic
from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic


@intrinsic
def pointer_to(typing_context, address, real):
    """Give the pointer to elements of type `real` (``np.float32``, ...) at an integer address."""
    result = types.CPointer(real.dtype)

    def lower(context, builder, signature, arguments):
        return builder.inttoptr(arguments[0], context.get_value_type(result))

    return result(types.intp, real), lower


@intrinsic
def fetch_add_one(typing_context, address):
    """Add one, atomically, to the 64-bit integer at an address; return what it was."""

    def lower(context, builder, signature, arguments):
        word = ir.IntType(64)
        place = builder.inttoptr(arguments[0], word.as_pointer())
        return builder.atomic_rmw("add", place, word(1), "monotonic")

    return types.int64(types.intp), lower


@intrinsic
def word_at(typing_context, address):
    """Give the 64-bit integer at an address, as it is at this moment."""

    def lower(context, builder, signature, arguments):
        place = builder.inttoptr(arguments[0], ir.IntType(64).as_pointer())
        return builder.load_atomic(place, "monotonic", 8)

    return types.int64(types.intp), lower


@intrinsic(prefer_literal=True)
def stack_memory(typing_context, size, real):
    """Give the pointer to `size` (a literal) elements of type `real` on the stack of the function that asks.

    Allocating on the heap could fail, and a kernel that cannot fail needs nothing of Python's or Numba's runtime.
    """
    result = types.CPointer(real.dtype)
    length = ir.Constant(ir.IntType(64), size.literal_value)

    def lower(context, builder, signature, arguments):
        memory = cgutils.alloca_once(builder, context.get_value_type(real.dtype), size=length)
        memory.align = 64  # a vector that lies across two cache lines takes two loads
        return memory

    return result(size, real), lower


def _fused_multiply_add(typing_context, a, b, c):
    """Give a b + c, rounded once; on machines without that instruction by a call."""

    def lower(context, builder, signature, arguments):
        return builder.fma(*arguments)

    return a(a, a, a), lower


fused_multiply_add: Any = intrinsic(_fused_multiply_add)
