package main

//go:generate go tool bpf2go -cc clang-19 -strip llvm-strip-19 -target amd64,arm64 peer bpf/peer.bpf.c -- -O2 -g -mcpu=v3 -Wall -Wextra -Werror -idirafter /usr/include/x86_64-linux-gnu -idirafter /usr/include/aarch64-linux-gnu
