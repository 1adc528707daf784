package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// file is one entry of an archive.
type file struct {
	name string // with slashes
	mode fs.FileMode
	data []byte
}

// papers accompany the programs in every archive and package.
var papers = []string{"LICENSE", "NOTICE", "README.md", "CHANGELOG.md"}

func (r *release) writeArchives(built programs) error {
	for _, on := range r.platforms {
		files, err := built.files(on)
		if err != nil {
			return err
		}
		for _, name := range papers {
			data, err := os.ReadFile(filepath.Join(r.source, name))
			if err != nil {
				return err
			}
			files = append(files, file{name, 0o644, data})
		}
		if err := r.writeArchive(r.archiveName(on), files); err != nil {
			return err
		}
	}
	return nil
}

func (r *release) archiveName(on platform) string {
	return fmt.Sprintf("bobwatch_%s_%s.tar.gz", r.version, on)
}

// files returns the programs for a platform.
func (p programs) files(on platform) ([]file, error) {
	var files []file
	for _, name := range programNames {
		data, err := os.ReadFile(p.path(name, on))
		if err != nil {
			return nil, err
		}
		files = append(files, file{name, 0o755, data})
	}
	return files, nil
}

// writeArchive compresses the archive unless its name ends in .tar.
func (r *release) writeArchive(name string, files []file) error {
	data, err := r.tarred(files, path.Ext(name) != ".tar")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(r.out, name), data, 0o644)
}

// tarred returns a tar archive whose entries belong to root and have the time
// of the commit.
func (r *release) tarred(files []file, compressed bool) ([]byte, error) {
	var plain bytes.Buffer
	w := tar.NewWriter(&plain)
	for _, f := range files {
		header := &tar.Header{
			Name: f.name, Mode: int64(f.mode.Perm()), Size: int64(len(f.data)), ModTime: r.time,
			Typeflag: tar.TypeReg, Format: tar.FormatPAX, Uname: "root", Gname: "root",
		}
		if err := w.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.data); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil || !compressed {
		return plain.Bytes(), err
	}
	var small bytes.Buffer
	z, err := gzip.NewWriterLevel(&small, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := z.Write(plain.Bytes()); err != nil {
		return nil, err
	}
	err = z.Close()
	return small.Bytes(), err
}
