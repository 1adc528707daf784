package builtin

import (
	"bobwatch/internal/rule"
)

// compiler: source code passes scanners that look for programs.
var compiler = Rule{
	ID:    rule.Compiler,
	About: "an execution of a compiler, an assembler or a linker that the profile does not allow",
	Blind: "compilers in the memory of an interpreter",
	Kinds: executions,
	Broken: func(a Act) bool {
		return compilers.runs(a.Event)
	},
}

var compilers = namesOf(
	"gcc", "g++", "cc", "c++", "cc1", "clang", "clang++", "tcc", "as", "ld", "ld.bfd", "ld.gold", "make", "cmake", "go", "rustc", "javac", "x86_64-linux-gnu-gcc", "aarch64-linux-gnu-gcc", "nasm",
)
