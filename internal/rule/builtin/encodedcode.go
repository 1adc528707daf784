package builtin

import (
	"bobwatch/internal/interpreter"
	"bobwatch/internal/rule"
)

// encodedCode: code is encoded to pass filters.
var encodedCode = Rule{
	ID:    rule.EncodedCode,
	About: "an interpreter with code that decodes base64 and the like, or `base64 -d`, that the profile does not allow",
	Blind: "other encodings",
	Kinds: executions,
	Broken: func(a Act) bool {
		return interpreter.Is(a.Event.Path, a.Event.Args) && holds(a.Event.Args, decoders) || decodeTools.runs(a.Event) && decodeOptions.hasArgument(a.Event.Args)
	},
}

var (
	decoders      = wordsOf("base64 -d", "base64 --decode", "b64decode", "base64_decode", "decode64", "Buffer.from(", "openssl enc -d", "xxd -r", "gzinflate")
	decodeTools   = namesOf("base64", "base32", "basenc")
	decodeOptions = namesOf("-d", "-D", "--decode", "-di", "-id")
)
