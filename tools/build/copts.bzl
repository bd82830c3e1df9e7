"""Compiler options of every Holdfast target: `copts = HOLDFAST_COPTS`."""

_WARNINGS = [
    "-Wall",
    "-Wextra",
    "-Wformat=2",
    "-Wimplicit-fallthrough",
    "-Wnon-virtual-dtor",
    "-Woverloaded-virtual",
    "-Wpointer-arith",
    "-Wvla",
]

# GCC 12's optimiser reports these for correct code (std::string inlined at -O3, for one: GCC PR 105651).
_GCC_FALSE_ALARMS = [
    "-Wno-array-bounds",
    "-Wno-maybe-uninitialized",
    "-Wno-restrict",
    "-Wno-stringop-overflow",
    "-Wno-stringop-overread",
]

HOLDFAST_COPTS = _WARNINGS + ["-fno-omit-frame-pointer"] + select({
    "//tools/build:opt": ["-O3"],
    "//conditions:default": [],
}) + select({
    "//tools/build:clang_safety": ["-Werror", "-Wthread-safety"],
    # Abseil's headers come from its sources here, not as system headers: their
    # warnings would be ours. The other configurations refuse our own.
    "//tools/build:tsan": ["-Werror=tsan"] + _GCC_FALSE_ALARMS,
    "//conditions:default": ["-Werror"] + _GCC_FALSE_ALARMS,
})
