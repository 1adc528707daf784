package sensitive

// Examples returns a path or more of every guarded place.
func Examples() []string {
	var examples []string
	for _, p := range places {
		if !p.guarded {
			continue
		}
		paths := []string{""}
		for _, s := range p.segments {
			var longer []string
			for _, path := range paths {
				for _, name := range exampleNames(s) {
					longer = append(longer, path+name)
				}
			}
			paths = longer
		}
		examples = append(examples, paths...)
	}
	return examples
}

func exampleNames(s placeSegment) []string {
	switch s.kind {
	case placeVolatile:
		return []string{"/12"}
	case placeGeneration:
		return []string{"", "/..2025_11_20_00_05_24.11"}
	case placeAny:
		return []string{"/joe", "/n1"}
	case placeMany:
		return []string{"", "/x", "/kubernetes.io/serviceaccount"}
	case placeHome:
		return []string{"/data", "/n2"}
	case placeAffix:
		return []string{"/" + s.prefix + "x" + s.suffix}
	default:
		return []string{"/" + s.prefix}
	}
}
