package catalog

import (
	"errors"
	"fmt"

	"bobwatch/internal/yamlfile"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// maxValuesBytes bounds a file of parameter values, one on each line.
const maxValuesBytes = 16 << 10

// valueTokens is all of YAML that "key: value" lines are made of. Nothing that
// nests, repeats or has a type of its own is among it.
var valueTokens = map[token.Type]bool{
	token.StringType: true, token.SingleQuoteType: true, token.DoubleQuoteType: true,
	token.IntegerType: true, token.BinaryIntegerType: true, token.OctetIntegerType: true, token.HexIntegerType: true,
	token.FloatType: true, token.InfinityType: true, token.NanType: true, token.BoolType: true,
	token.MappingValueType: true, token.CommentType: true,
}

// ParseValues reads lines of "key: value". A value is the text as it stands,
// whatever type YAML would see in it: 0644 stays 0644. path is for errors.
func ParseValues(path string, data []byte) (map[string]string, error) {
	data, err := yamlfile.Single(path, data)
	if err != nil {
		return nil, err
	}
	tokens := lexer.Tokenize(string(data))
	for _, t := range tokens {
		if !valueTokens[t.Type] {
			return nil, valueError(path, t, "only lines of \"key: value\" may be here")
		}
	}
	parsed, err := parser.Parse(tokens, 0)
	if err != nil {
		return nil, fmt.Errorf("%s: parse values: %w", path, err)
	}
	values := make(map[string]string)
	for _, document := range parsed.Docs {
		if document.Body == nil || document.Body.Type() == ast.CommentType {
			continue
		}
		if err := readValues(path, document.Body, values); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// readValues adds the pairs of a flat mapping to values.
func readValues(path string, body ast.Node, values map[string]string) error {
	mapping, ok := body.(ast.MapNode)
	if !ok {
		return valueError(path, body.GetToken(), "only lines of \"key: value\" may be here")
	}
	for pairs := mapping.MapRange(); pairs.Next(); {
		key := pairs.Key().GetToken()
		scalar, ok := pairs.Value().(ast.ScalarNode)
		if !ok || scalar.Type() == ast.NullType {
			return valueError(path, key, "%s has no value", key.Value)
		}
		if _, twice := values[key.Value]; twice {
			return valueError(path, key, "%s is given twice", key.Value)
		}
		values[key.Value] = scalar.GetToken().Value
	}
	return nil
}

func valueError(path string, t *token.Token, format string, args ...any) error {
	if t == nil || t.Position == nil {
		return errors.New(path + ": " + fmt.Sprintf(format, args...))
	}
	return fmt.Errorf("%s:%d:%d: %s", path, t.Position.Line, t.Position.Column, fmt.Sprintf(format, args...))
}
