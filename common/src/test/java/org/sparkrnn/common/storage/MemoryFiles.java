package org.sparkrnn.common.storage;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.NonWritableChannelException;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.util.ArrayList;
import java.util.List;
import java.util.NavigableMap;
import java.util.TreeMap;

/**
 * Files in memory, for tests of hundreds of checkpoints. A directory is there if a file is in it.
 */
public final class MemoryFiles implements Files {
  private final NavigableMap<String, byte[]> contents = new TreeMap<>();

  /** The bytes of a file; changing them damages it. */
  public byte[] content(String path) throws NoSuchFileException {
    byte[] content = contents.get(path);
    if (content == null) {
      throw new NoSuchFileException(path);
    }
    return content;
  }

  /** The paths of all files in a directory and below. */
  public List<String> below(String directory) {
    String prefix = directory + "/";
    return contents.tailMap(prefix, true).keySet().stream()
        .takeWhile(path -> path.startsWith(prefix))
        .toList();
  }

  @Override
  public SeekableByteChannel open(String path) throws IOException {
    return new Channel(content(path));
  }

  /** What is written is there once the stream is closed; until then the file is empty. */
  @Override
  public OutputStream create(String path) {
    contents.put(path, new byte[0]);
    return new ByteArrayOutputStream() {
      @Override
      public void close() {
        contents.put(path, toByteArray());
      }
    };
  }

  @Override
  public boolean exists(String path) {
    return contents.containsKey(path) || !below(path).isEmpty();
  }

  @Override
  public List<FileEntry> list(String directory) throws IOException {
    NavigableMap<String, FileEntry> entries = new TreeMap<>();
    for (String path : below(directory)) {
      String name = path.substring(directory.length() + 1).split("/", 2)[0];
      String child = Files.join(directory, name);
      boolean isDirectory = !child.equals(path);
      long size = isDirectory ? 0 : content(path).length;
      entries.put(name, new FileEntry(child, name, size, isDirectory));
    }
    if (entries.isEmpty()) {
      throw new NoSuchFileException(directory);
    }
    return new ArrayList<>(entries.values());
  }

  @Override
  public void renameNoOverwrite(String from, String to) throws IOException {
    byte[] content = content(from);
    if (exists(to)) {
      throw new FileAlreadyExistsException(to);
    }
    contents.remove(from);
    contents.put(to, content);
  }

  @Override
  public void delete(String path) {
    contents.remove(path);
    below(path).forEach(contents::remove);
  }

  @Override
  public boolean isLink(String path) {
    return false;
  }

  @Override
  public void createDirectories(String path) {}

  private static final class Channel implements SeekableByteChannel {
    private final byte[] content;
    private int position;

    Channel(byte[] content) {
      this.content = content;
    }

    @Override
    public int read(ByteBuffer target) {
      if (position >= content.length) {
        return -1;
      }
      int count = Math.min(target.remaining(), content.length - position);
      target.put(content, position, count);
      position += count;
      return count;
    }

    @Override
    public long position() {
      return position;
    }

    @Override
    public SeekableByteChannel position(long newPosition) {
      position = Math.toIntExact(newPosition);
      return this;
    }

    @Override
    public long size() {
      return content.length;
    }

    @Override
    public int write(ByteBuffer source) {
      throw new NonWritableChannelException();
    }

    @Override
    public SeekableByteChannel truncate(long size) {
      throw new NonWritableChannelException();
    }

    @Override
    public boolean isOpen() {
      return true;
    }

    @Override
    public void close() {}
  }
}
