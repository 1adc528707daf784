package testenv

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path"
	"runtime"
	"strings"
)

// Image is a container image in the making.
type Image struct {
	Ref        string  // such as "localhost/webapp:1"
	Base       *Rootfs // nil for an image that holds nothing but Files
	Files      []File
	Entrypoint []string
}

// File is one file of an image. The directories above it come by themselves.
type File struct {
	Path string // absolute
	Mode int64
	Data []byte
	Link string // target; makes the file a symbolic link
}

// layer is one layer of an image: a tar file on disk, or in memory.
type layer struct {
	name   string
	digest string // hex SHA-256 of the tar
	size   int64
	open   func() (io.ReadCloser, error)
}

type manifest struct {
	Config   string
	RepoTags []string
	Layers   []string
}

type imageConfig struct {
	Architecture string `json:"architecture"`
	OS           string `json:"os"`
	Config       struct {
		Env        []string
		Entrypoint []string
	} `json:"config"`
	RootFS struct {
		Type    string   `json:"type"`
		DiffIDs []string `json:"diff_ids"`
	} `json:"rootfs"`
}

// Archive streams the images in the form that `docker save` writes, which
// every container runtime can load without a registry.
func Archive(images ...Image) (io.ReadCloser, error) {
	var manifests []manifest
	var blobs []layer
	seen := map[string]bool{}
	for _, img := range images {
		layers, err := img.layers()
		if err != nil {
			return nil, fmt.Errorf("build image %s: %w", img.Ref, err)
		}
		m := manifest{RepoTags: []string{img.Ref}}
		config := imageConfig{Architecture: runtime.GOARCH, OS: "linux"}
		config.Config.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
		config.Config.Entrypoint = img.Entrypoint
		config.RootFS.Type = "layers"
		for _, l := range layers {
			m.Layers = append(m.Layers, l.name)
			config.RootFS.DiffIDs = append(config.RootFS.DiffIDs, "sha256:"+l.digest)
		}
		text, err := json.Marshal(config)
		if err != nil {
			return nil, err
		}
		c := memory(text, ".json")
		m.Config = c.name
		manifests = append(manifests, m)
		for _, b := range append(layers, c) {
			if !seen[b.name] {
				seen[b.name] = true
				blobs = append(blobs, b)
			}
		}
	}
	text, err := json.Marshal(manifests)
	if err != nil {
		return nil, err
	}
	index := memory(text, "")
	index.name = "manifest.json"
	r, w := io.Pipe()
	go func() { w.CloseWithError(writeBlobs(w, append(blobs, index))) }()
	return r, nil
}

func writeBlobs(w io.Writer, blobs []layer) error {
	out := tar.NewWriter(w)
	for _, b := range blobs {
		if err := out.WriteHeader(&tar.Header{Name: b.name, Mode: 0o644, Size: b.size}); err != nil {
			return err
		}
		in, err := b.open()
		if err != nil {
			return err
		}
		_, err = io.Copy(out, in)
		in.Close()
		if err != nil {
			return err
		}
	}
	return out.Close()
}

func (img *Image) layers() ([]layer, error) {
	var layers []layer
	if img.Base != nil {
		base := layer{
			name:   img.Base.digest + ".tar",
			digest: img.Base.digest,
			size:   img.Base.size,
			open:   func() (io.ReadCloser, error) { return os.Open(img.Base.path) },
		}
		layers = append(layers, base)
	}
	if len(img.Files) == 0 {
		return layers, nil
	}
	text, err := tarball(img.Files)
	if err != nil {
		return nil, err
	}
	return append(layers, memory(text, ".tar")), nil
}

func memory(data []byte, suffix string) layer {
	sum := sha256.Sum256(data)
	digest := hex.EncodeToString(sum[:])
	return layer{
		name:   digest + suffix,
		digest: digest,
		size:   int64(len(data)),
		open:   func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data)), nil },
	}
}

func tarball(files []File) ([]byte, error) {
	var buf bytes.Buffer
	out := tar.NewWriter(&buf)
	made := map[string]bool{".": true}
	for _, f := range files {
		name := strings.TrimPrefix(path.Clean(f.Path), "/")
		if err := directories(out, path.Dir(name), made); err != nil {
			return nil, err
		}
		h := &tar.Header{Name: name, Mode: f.Mode, Size: int64(len(f.Data)), Typeflag: tar.TypeReg}
		if f.Link != "" {
			h.Typeflag, h.Linkname = tar.TypeSymlink, f.Link
		}
		if err := out.WriteHeader(h); err != nil {
			return nil, err
		}
		if _, err := out.Write(f.Data); err != nil {
			return nil, err
		}
	}
	err := out.Close()
	return buf.Bytes(), err
}

// directories writes dir and those above it that are not in made yet.
func directories(out *tar.Writer, dir string, made map[string]bool) error {
	if made[dir] {
		return nil
	}
	made[dir] = true
	if err := directories(out, path.Dir(dir), made); err != nil {
		return err
	}
	mode := int64(0o755)
	if dir == "tmp" {
		mode = 0o1777
	}
	return out.WriteHeader(&tar.Header{Name: dir + "/", Mode: mode, Typeflag: tar.TypeDir})
}
