"""The numbers of a kernel that is being built: instructions of LLVM, under Python's operators.

A function over `Value` objects is run once, and leaves its instructions in the kernel: that is all there is to a
function on the device. It is straight Python, so a loop of Python's is written out, and one of the kernel's is
`Builder.loop`.

Arithmetic is strict IEEE in the order it is written. What may be contracted into fused multiply-adds, or summed in
another order, says so: `licensed`, `Builder.licence`.
"""

# pyright: basic
from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeAlias

from llvmlite import ir

Type: TypeAlias = Any
"""One of llvmlite's."""

BIT, BYTE, HALF_WORD, SINGLE_WORD, WORD = (ir.IntType(bits) for bits in (1, 8, 16, 32, 64))
FLOAT16, FLOAT32, FLOAT64 = ir.HalfType(), ir.FloatType(), ir.DoubleType()
BYTES: dict[Type, int] = {BYTE: 1, HALF_WORD: 2, SINGLE_WORD: 4, WORD: 8, FLOAT32: 4, FLOAT64: 8}
POWERS: dict[Type, Callable[..., Value]] = {}
"""The powers of numbers of a type: `vector_math`, which is made of this module, enters them."""
UNSIGNED: dict[Type, Type] = {FLOAT16: HALF_WORD, FLOAT32: SINGLE_WORD, FLOAT64: WORD}
"""The integers that have the bits of a float."""

_WIDEST = '"prefer-vector-width"="512"'
"""The attribute of a function that uses all of a vector register: on x86 LLVM prefers half of one of 512 bits."""

_ALIGNED = 64
"""A vector that lies across two cache lines takes two loads."""


class Value:
    """A number of some type, or a truth: what an instruction of a kernel gives.

    Integers have no sign. Two values that meet are of one type; a plain number takes the type of the value it meets.
    """

    __slots__ = ("builder", "of")

    def __init__(self, builder: Builder, of: Any) -> None:
        self.builder, self.of = builder, of

    @property
    def dtype(self) -> Type:
        """The type."""
        return self.of.type

    @property
    def is_float(self) -> bool:
        """Whether it is a floating-point number."""
        return self.dtype in UNSIGNED

    def __bool__(self) -> bool:
        raise TypeError("a kernel does not branch on a value while it is built: select by where()")

    def _with(self, other: Any, of_floats: str, of_integers: str, turned: bool = False) -> Value:
        """The result of an operator, by the names of its instructions."""
        pair = self.of, self.like(other).of
        left, right = reversed(pair) if turned else pair
        make = getattr(self.builder.code, of_floats if self.is_float else of_integers)
        return Value(self.builder, make(left, right, flags=self.builder.flags) if self.is_float else make(left, right))

    def like(self, number: Any) -> Value:
        """A plain number as a value of this type, or a value that is of it."""
        if not isinstance(number, Value):
            return self.builder.number(number, self.dtype)
        if isinstance(number, Truth) and self.is_float:
            return number.to(self.dtype)
        if number.dtype != self.dtype:
            raise TypeError(f"a {self.dtype} of a kernel meets a {number.dtype}: convert one by to()")
        return number

    def __add__(self, other: Any) -> Value:
        return self._with(other, "fadd", "add")

    def __radd__(self, other: Any) -> Value:
        return self._with(other, "fadd", "add", turned=True)

    def __sub__(self, other: Any) -> Value:
        return self._with(other, "fsub", "sub")

    def __rsub__(self, other: Any) -> Value:
        return self._with(other, "fsub", "sub", turned=True)

    def __mul__(self, other: Any) -> Value:
        return self._with(other, "fmul", "mul")

    def __rmul__(self, other: Any) -> Value:
        return self._with(other, "fmul", "mul", turned=True)

    def __truediv__(self, other: Any) -> Value:
        return self._with(other, "fdiv", "")

    def __rtruediv__(self, other: Any) -> Value:
        return self._with(other, "fdiv", "", turned=True)

    def __floordiv__(self, other: Any) -> Value:
        return self._with(other, "", "udiv")

    def __mod__(self, other: Any) -> Value:
        return self._with(other, "", "urem")

    def __and__(self, other: Any) -> Value:
        return self._with(other, "", "and_")

    def __or__(self, other: Any) -> Value:
        return self._with(other, "", "or_")

    def __xor__(self, other: Any) -> Value:
        return self._with(other, "", "xor")

    def __lshift__(self, other: Any) -> Value:
        return self._with(other, "", "shl")

    def __rshift__(self, other: Any) -> Value:
        return self._with(other, "", "lshr")

    def __neg__(self) -> Value:
        return Value(self.builder, self.builder.code.fneg(self.of, flags=self.builder.flags))

    def __abs__(self) -> Value:
        return self.builder.called("llvm.fabs", self)

    def __pow__(self, exponent: Any) -> Value:
        if isinstance(exponent, int):
            return _integer_power(self, exponent)
        return POWERS[self.dtype](self, self.like(exponent))

    def __rpow__(self, base: Any) -> Value:
        return self.like(base) ** self

    def _compared(self, sign: str, other: Any) -> Truth:
        if isinstance(other, Truth):
            other = other.to(self.dtype)
        pair = self.of, self.like(other).of
        compare = self.builder.code.icmp_unsigned
        if self.is_float:
            compare = self.builder.code.fcmp_unordered if sign == "!=" else self.builder.code.fcmp_ordered
        return Truth(self.builder, compare(sign, *pair), self.dtype)

    def __lt__(self, other: Any) -> Value:
        return self._compared("<", other)

    def __le__(self, other: Any) -> Value:
        return self._compared("<=", other)

    def __gt__(self, other: Any) -> Value:
        return self._compared(">", other)

    def __ge__(self, other: Any) -> Value:
        return self._compared(">=", other)

    def __eq__(self, other: Any) -> Value:  # type: ignore[override]
        return self._compared("==", other)

    def __ne__(self, other: Any) -> Value:  # type: ignore[override]
        return self._compared("!=", other)

    __hash__ = object.__hash__

    @property
    def bits(self) -> Value:
        """Those of a float, as an integer."""
        return Value(self.builder, self.builder.code.bitcast(self.of, UNSIGNED[self.dtype]))

    def as_float(self, dtype: Type) -> Value:
        """The float of these bits."""
        return Value(self.builder, self.builder.code.bitcast(self.of, dtype))

    def to(self, dtype: Type) -> Value:
        """The number in another type, rounded where it must be; a truth is 0 or 1."""
        if self.dtype == dtype:
            return self
        return Value(self.builder, getattr(self.builder.code, _CONVERSIONS[self.dtype, dtype])(self.of, dtype))


class Truth(Value):
    """What a comparison gives; in arithmetic it is 0 or 1, in the type of what was compared."""

    __slots__ = ("number_type",)

    def __init__(self, builder: Builder, of: Any, number_type: Type) -> None:
        super().__init__(builder, of)
        self.number_type = number_type

    @property
    def number(self) -> Value:
        """As 0 or 1."""
        return self.to(self.number_type)

    def _with(self, other: Any, of_floats: str, of_integers: str, turned: bool = False) -> Value:
        if of_integers in _LOGIC and isinstance(other, Truth):
            return Truth(self.builder, getattr(self.builder.code, of_integers)(self.of, other.of), self.number_type)
        number = self.to(other.dtype) if isinstance(other, Value) and other.is_float else self.number
        return number._with(other, of_floats, of_integers, turned)

    def _compared(self, sign: str, other: Any) -> Truth:
        return self.number._compared(sign, other)

    def __invert__(self) -> Truth:
        return Truth(self.builder, self.builder.code.not_(self.of), self.number_type)

    def __neg__(self) -> Value:
        return -self.number

    def __abs__(self) -> Value:
        return self.number

    def __pow__(self, exponent: Any) -> Value:
        return self.number**exponent

    def __rpow__(self, base: Any) -> Value:
        return self.number.__rpow__(base)


_LOGIC = ("and_", "or_", "xor")

_CONVERSIONS = {
    (FLOAT32, FLOAT64): "fpext",
    (FLOAT64, FLOAT32): "fptrunc",
    (BIT, FLOAT32): "uitofp",
    (BIT, FLOAT64): "uitofp",
    (BIT, WORD): "zext",
    (WORD, FLOAT64): "uitofp",
    (WORD, SINGLE_WORD): "trunc",
    (HALF_WORD, SINGLE_WORD): "zext",
    (SINGLE_WORD, HALF_WORD): "trunc",
    (FLOAT16, FLOAT32): "fpext",
    (FLOAT32, FLOAT16): "fptrunc",
}


def _integer_power(base: Value, exponent: int) -> Value:
    """Multiplications, which are faster than the power of any two numbers."""
    if exponent < 0:
        return 1.0 / _integer_power(base, -exponent)
    result = None
    while exponent:
        if exponent % 2:
            result = base if result is None else result * base
        exponent //= 2
        if exponent:
            base = base * base
    return base.like(1.0) if result is None else result


class Array:
    """Elements of one type at an address.

    Loads and stores are those of the elements, however they lie.
    """

    def __init__(self, builder: Builder, address: Any, dtype: Type) -> None:
        self.builder, self._address, self.dtype = builder, address, dtype

    def _place(self, index: Any) -> Any:
        return self.builder.code.gep(
            self._address, [self.builder.word(index).of], inbounds=True, source_etype=self.dtype
        )

    def __getitem__(self, index: Any) -> Value:
        return Value(self.builder, self.builder.code.load(self._place(index), typ=self.dtype, align=BYTES[self.dtype]))

    def __setitem__(self, index: Any, value: Value) -> None:
        self.builder.code.store(value.of, self._place(index), align=BYTES[self.dtype])

    def at(self, index: Any) -> Array:
        """The elements from some place on."""
        return Array(self.builder, self._place(index), self.dtype)


class Variable:
    """A number that the kernel changes."""

    def __init__(self, value: Value) -> None:
        self._builder, self._dtype = value.builder, value.dtype
        self._place = value.builder.stack(value.dtype)
        self.value = value

    @property
    def value(self) -> Value:
        """What it is here."""
        return Value(self._builder, self._builder.code.load(self._place, typ=self._dtype))

    @value.setter
    def value(self, value: Value) -> None:
        self._builder.code.store(value.of, self._place)


class Builder:
    """A kernel that is being built: a function of the address of its arguments, which are words of 64 bits.

    Parameters
    ----------
    name : str
    widest : bool
        Whether its vectors are as wide as the processor has them.
    """

    def __init__(self, name: str, widest: bool = False) -> None:
        self.module = ir.Module()
        function = ir.Function(self.module, ir.FunctionType(ir.VoidType(), [WORD]), name)
        if widest:
            set.add(function.attributes, _WIDEST)  # llvmlite's own method knows no attributes that are strings
        self._memory = ir.IRBuilder(function.append_basic_block("memory"))
        self.code: Any = ir.IRBuilder(function.append_basic_block("start"))
        self.flags: tuple[str, ...] = ()
        self._loops = 0
        self.address = Value(self, function.args[0])
        self._start = self.code.block
        self._end = function.append_basic_block("end")
        ir.IRBuilder(self._end).ret_void()

    def finished(self) -> str:
        """The kernel in LLVM's language."""
        self._memory.branch(self._start)
        self.code.branch(self._end)
        return str(self.module)

    def number(self, number: Any, dtype: Type) -> Value:
        """A plain number as a value."""
        if dtype in UNSIGNED:
            return Value(self, ir.Constant(dtype, float(number)))
        if number != int(number):
            raise TypeError(f"{number} is no {dtype} of a kernel")
        return Value(self, ir.Constant(dtype, int(number)))

    def word(self, number: Any) -> Value:
        """An integer of 64 bits."""
        return number if isinstance(number, Value) else self.number(number, WORD)

    @contextmanager
    def licence(self, *flags: str) -> Iterator[None]:
        """What LLVM may do with the floating-point arithmetic that is written within: nothing unless said."""
        before, self.flags = self.flags, flags
        yield
        self.flags = before

    # --- what is called ---

    def called(self, name: str, *arguments: Value) -> Value:
        """An intrinsic function of LLVM's of arguments of one type."""
        dtype = arguments[0].dtype
        kind = ir.FunctionType(dtype, [dtype] * len(arguments))
        function = self.module.declare_intrinsic(name, [dtype], kind)
        return Value(self, self.code.call(function, [each.of for each in arguments], fastmath=self.flags))

    # --- memory ---

    def array(self, address: Any, dtype: Type) -> Array:
        """The elements at an address, a word."""
        return Array(self, self.code.inttoptr(self.word(address).of, ir.PointerType()), dtype)

    def stack(self, dtype: Type, length: int = 1) -> Any:
        """Memory of the kernel's own. Allocating elsewhere could fail, and a kernel cannot."""
        memory: Any = self._memory.alloca(dtype, size=length)
        memory.align = _ALIGNED if length > 1 else None
        return memory

    def buffer(self, dtype: Type, length: int) -> Array:
        """An array of the kernel's own."""
        return Array(self, self.stack(dtype, length), dtype)

    def fetch_add_one(self, address: Value) -> Value:
        """Add one to the word at an address, among threads; return what it was."""
        place = self.code.inttoptr(address.of, ir.PointerType())
        return Value(self, self.code.atomic_rmw("add", place, WORD(1), "monotonic"))

    def word_at(self, address: Value) -> Value:
        """The word at an address as it is at this moment, among threads."""
        place = self.code.inttoptr(address.of, ir.PointerType())
        return Value(self, self.code.load_atomic(place, "monotonic", 8, typ=WORD))

    # --- what is run again and again, or only sometimes ---

    @contextmanager
    def loop(self, stop: Any, start: Any = 0, step: Any = 1, plain: bool = False) -> Iterator[Value]:
        """Run what is written within for each index from `start` to below `stop`.

        One that is `plain` is left as it is written, neither in vectors nor several times in a row: it would gain
        nothing, and such code takes long to compile.
        """
        start, stop, step = self.word(start), self.word(stop), self.word(step)
        before, head, body, end = self.code.block, *self._blocks("head", "body", "next")
        self.code.branch(head)
        self.code.position_at_end(head)
        index = self.code.phi(WORD)
        index.add_incoming(start.of, before)
        self.code.cbranch(self.code.icmp_unsigned("<", index, stop.of), body, end)
        self.code.position_at_end(body)
        yield Value(self, index)
        following = self.code.add(index, step.of, flags=("nuw", "nsw"))
        index.add_incoming(following, self.code.block)
        back = self.code.branch(head)
        if plain:
            back.set_metadata("llvm.loop", self._left_as_it_is())
        self.code.position_at_end(end)

    def _left_as_it_is(self) -> Any:
        """What tells LLVM to leave a loop as it is; its own first operand, as the language wants it."""
        hints = [
            self.module.add_metadata(["llvm.loop.unroll.disable"]),
            self.module.add_metadata(["llvm.loop.vectorize.enable", ir.Constant(BIT, 0)]),
        ]
        self._loops += 1
        loop = self.module.add_metadata([*hints, ir.Constant(WORD, self._loops)])
        loop.operands = (loop, *hints)
        return loop

    @contextmanager
    def until_left(self) -> Iterator[Callable[[Value], None]]:
        """Run what is written within again and again; what is yielded leaves the loop where a condition holds."""
        body, end = self._blocks("again", "left")
        self.code.branch(body)
        self.code.position_at_end(body)

        def leave(condition: Value) -> None:
            [stays] = self._blocks("stays")
            self.code.cbranch(condition.of, end, stays)
            self.code.position_at_end(stays)

        yield leave
        self.code.branch(body)
        self.code.position_at_end(end)

    def stop_where(self, condition: Value) -> None:
        """End the kernel where a condition holds."""
        [stays] = self._blocks("stays")
        self.code.cbranch(condition.of, self._end, stays)
        self.code.position_at_end(stays)

    @contextmanager
    def when(self, condition: Value) -> Iterator[None]:
        """Run what is written within where a condition holds."""
        body, end = self._blocks("then", "after")
        self.code.cbranch(condition.of, body, end)
        self.code.position_at_end(body)
        yield
        self.code.branch(end)
        self.code.position_at_end(end)

    def choose(self, condition: Value, then: Callable[[], None], otherwise: Callable[[], None]) -> None:
        """Run one of two parts."""
        first, second, end = self._blocks("then", "otherwise", "after")
        self.code.cbranch(condition.of, first, second)
        for block, part in ((first, then), (second, otherwise)):
            self.code.position_at_end(block)
            part()
            self.code.branch(end)
        self.code.position_at_end(end)

    def _blocks(self, *names: str) -> list[Any]:
        return [self.code.append_basic_block(name) for name in names]


def licensed(*flags: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorate a function of values whose arithmetic has licences: none where none are named.

    For one that its caller has would be one that the function was not written for.
    """

    def decorated(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def written(*arguments: Any) -> Any:
            builder = next(argument.builder for argument in arguments if isinstance(argument, Value))
            with builder.licence(*flags):
                return function(*arguments)

        return written

    return decorated


def where(condition: Value, first: Any, second: Any) -> Value:
    """Select one of two, of which one at least is a value; both are computed. A number that is not 0 is true."""
    builder = condition.builder
    chosen = condition if isinstance(condition, Truth) else condition != 0
    if isinstance(first, Truth) and isinstance(second, Truth):
        return Truth(builder, builder.code.select(chosen.of, first.of, second.of), first.number_type)
    numbers = [each for each in (first, second) if isinstance(each, Value) and not isinstance(each, Truth)]
    one = numbers[0] if numbers else (first if isinstance(first, Truth) else second).number
    return Value(builder, builder.code.select(chosen.of, one.like(first).of, one.like(second).of))


def copysign(size: Value, sign: Value) -> Value:
    """The size of one float with the sign of another."""
    return size.builder.called("llvm.copysign", size, sign)


def fma(a: Value, b: Any, c: Any) -> Value:
    """The float a b + c, rounded once; on machines without that instruction by a call."""
    return a.builder.called("llvm.fma", a, a.like(b), a.like(c))


def fused(a: Value, b: Value, c: Value) -> Value:
    """The float a b + c, rounded once where the machine does that at once, else twice; sums of it may be reordered."""
    return a.builder.called("llvm.fmuladd", a, b, c)


def least(a: Value, b: Any) -> Value:
    """The smaller of two integers."""
    b = a.like(b)
    return where(a < b, a, b)


def ceiling(a: Value, b: Any) -> Value:
    """The quotient of two integers, rounded up."""
    return (a + b - 1) // b
