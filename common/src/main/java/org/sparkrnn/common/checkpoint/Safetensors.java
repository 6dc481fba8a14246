package org.sparkrnn.common.checkpoint;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.common.errors.CorruptFileException;
import org.sparkrnn.common.parameters.ParameterBlock;
import org.sparkrnn.common.parameters.ParameterLayout;
import org.sparkrnn.common.storage.Channels;
import org.sparkrnn.common.storage.HeapLimit;
import org.sparkrnn.common.storage.Json;
import org.sparkrnn.common.storage.JsonObject;

/**
 * Named float32 tensors in the safetensors format: a little-endian length, a JSON header padded
 * with spaces to 8 bytes, then the data without gaps. Written with sorted names, so that equal
 * tensors are equal files.
 */
public final class Safetensors {
  /** The format's limit of a header, in bytes. */
  public static final int MAX_HEADER_BYTES = 100_000_000;

  private static final String METADATA = "__metadata__";
  private static final int BUFFER_BYTES = 1 << 18;

  private record Entry(List<Integer> shape, long begin, int size) {}

  private final SeekableByteChannel channel;
  private final String path;
  private final long dataOffset;
  private final SortedMap<String, Entry> entries;

  private Safetensors(
      SeekableByteChannel channel, String path, long dataOffset, SortedMap<String, Entry> entries) {
    this.channel = channel;
    this.path = path;
    this.dataOffset = dataOffset;
    this.entries = entries;
  }

  /** Writes the tensors in the order of their names; the caller closes the stream. */
  public static void write(OutputStream out, List<Tensor> tensors) throws IOException {
    List<Tensor> sorted = new ArrayList<>(tensors);
    sorted.sort(Comparator.comparing(Tensor::name));
    Map<String, Object> header = new TreeMap<>();
    header.put(METADATA, Map.of("format", "pt")); // what libraries look for to load into PyTorch
    long offset = 0;
    for (Tensor tensor : sorted) {
      long end = offset + (long) tensor.size() * Float.BYTES;
      Map<String, Object> entry = new TreeMap<>();
      entry.put("dtype", "F32");
      entry.put("shape", tensor.shape());
      entry.put("data_offsets", List.of(offset, end));
      if (header.put(tensor.name(), entry) != null) {
        throw new IllegalArgumentException("Cannot write two tensors of the name " + tensor.name());
      }
      offset = end;
    }
    byte[] json = Json.line(header).getBytes(StandardCharsets.UTF_8);
    int padded = (json.length + 7) / 8 * 8;
    ByteBuffer start = ByteBuffer.allocate(8 + padded).order(ByteOrder.LITTLE_ENDIAN);
    start.putLong(padded).put(json);
    while (start.hasRemaining()) {
      start.put((byte) ' ');
    }
    out.write(start.array());
    ByteBuffer buffer = ByteBuffer.allocate(BUFFER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    for (Tensor tensor : sorted) {
      for (int i = 0; i < tensor.size(); i++) {
        if (!buffer.hasRemaining()) {
          out.write(buffer.array());
          buffer.clear();
        }
        buffer.putFloat(tensor.element(i));
      }
    }
    out.write(buffer.array(), 0, buffer.position());
  }

  /** Writes the parameters of a model under their PyTorch names. */
  public static void write(OutputStream out, ParameterLayout layout, float[] parameters)
      throws IOException {
    write(out, Tensor.of("", layout, parameters));
  }

  /**
   * Reads and checks the header of a file; the tensors are read on demand, from the channel, which
   * the caller closes.
   *
   * @param path the file to name in messages
   * @throws CorruptFileException if the file is not one of float32 tensors without gaps
   */
  public static Safetensors open(SeekableByteChannel channel, String path) throws IOException {
    long fileBytes = channel.size();
    ByteBuffer length = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
    Channels.readFully(channel, 0, length, path);
    long headerBytes = length.getLong(0);
    if (headerBytes < 2 || headerBytes > MAX_HEADER_BYTES || headerBytes > fileBytes - 8) {
      throw new CorruptFileException(
          "Cannot read %s: its header is said to be %s bytes long, the file is %d"
              .formatted(path, Long.toUnsignedString(headerBytes), fileBytes));
    }
    HeapLimit.require(path, 2 * headerBytes);
    byte[] json = new byte[(int) headerBytes];
    Channels.readFully(channel, 8, ByteBuffer.wrap(json), path);
    long dataOffset = 8 + headerBytes;
    SortedMap<String, Entry> entries = parse(Json.parse(json, path), path);
    checkNoGaps(entries, fileBytes - dataOffset, path);
    return new Safetensors(channel, path, dataOffset, entries);
  }

  private static SortedMap<String, Entry> parse(JsonObject header, String path)
      throws CorruptFileException {
    SortedMap<String, Entry> entries = new TreeMap<>();
    for (String name : header.names()) {
      if (name.equals(METADATA)) {
        continue;
      }
      JsonObject tensor = header.object(name);
      if (!tensor.text("dtype").equals("F32")) {
        throw tensor.wrong("dtype", "\"F32\"");
      }
      long size = 1;
      List<Integer> shape = new ArrayList<>();
      for (long dimension : tensor.integers("shape", 0)) {
        if (dimension > Integer.MAX_VALUE || size * dimension > Integer.MAX_VALUE) {
          throw tensor.wrong("shape", "at most %d elements".formatted(Integer.MAX_VALUE));
        }
        size *= dimension;
        shape.add((int) dimension);
      }
      long[] offsets = tensor.integers("data_offsets", 0);
      if (offsets.length != 2 || offsets[1] - offsets[0] != size * Float.BYTES) {
        throw tensor.wrong(
            "data_offsets", "two that are %d bytes apart".formatted(size * Float.BYTES));
      }
      entries.put(name, new Entry(List.copyOf(shape), offsets[0], (int) size));
    }
    if (entries.isEmpty()) {
      throw new CorruptFileException("Cannot read %s: no tensor in it".formatted(path));
    }
    return entries;
  }

  private static void checkNoGaps(SortedMap<String, Entry> entries, long dataBytes, String path)
      throws CorruptFileException {
    List<Entry> inOrder = new ArrayList<>(entries.values());
    inOrder.sort(Comparator.comparingLong(Entry::begin).thenComparingInt(Entry::size));
    long end = 0;
    for (Entry entry : inOrder) {
      if (entry.begin != end) {
        throw new CorruptFileException(
            "Cannot read %s: a tensor begins at byte %d of the data, the one before ends at %d"
                .formatted(path, entry.begin, end));
      }
      end += (long) entry.size * Float.BYTES;
    }
    if (end != dataBytes) {
      throw new CorruptFileException(
          "Cannot read %s: it has %d bytes of data, its tensors %d"
              .formatted(path, dataBytes, end));
    }
  }

  /** The names of all tensors, sorted. */
  public Set<String> names() {
    return java.util.Collections.unmodifiableSet(entries.keySet());
  }

  public List<Integer> shape(String name) throws CorruptFileException {
    return entry(name).shape;
  }

  /** The elements of one tensor, row-major. */
  public float[] read(String name) throws IOException {
    Entry entry = entry(name);
    HeapLimit.require(path, (long) entry.size * Float.BYTES);
    float[] values = new float[entry.size];
    read(entry, values, 0);
    return values;
  }

  /**
   * The vector of that layout.
   *
   * @param prefix of the tensors' names: empty for parameters
   * @throws BadInputException if the blocks of the layout and the tensors of that prefix differ in
   *     name or shape: the file is of another model
   */
  public float[] read(String prefix, ParameterLayout layout) throws IOException {
    requireBlocks(prefix, layout);
    for (String name : entries.keySet()) {
      if (name.startsWith(prefix) && !layout.contains(name.substring(prefix.length()))) {
        throw new BadInputException(
            "Cannot use %s for this model: the model has no %s".formatted(path, name));
      }
    }
    HeapLimit.require(path, (long) layout.size() * Float.BYTES);
    float[] vector = new float[layout.size()];
    read(prefix, layout, vector, 0);
    return vector;
  }

  /**
   * Reads the vector of that layout into a part of another.
   *
   * @throws BadInputException if the file has not got each of the blocks in its shape
   */
  public void read(String prefix, ParameterLayout layout, float[] target, int offset)
      throws IOException {
    requireBlocks(prefix, layout);
    for (ParameterBlock block : layout.blocks()) {
      read(entry(prefix + block.name()), target, offset + block.offset());
    }
  }

  /**
   * Checks, before anybody allocates a vector of that layout, that its elements are in the file.
   *
   * @throws BadInputException if the file has not got each of the blocks in its shape
   */
  public void requireBlocks(String prefix, ParameterLayout layout) {
    for (ParameterBlock block : layout.blocks()) {
      Entry entry = entries.get(prefix + block.name());
      if (entry == null) {
        throw new BadInputException(
            "Cannot use %s for this model: it has no tensor %s%s"
                .formatted(path, prefix, block.name()));
      }
      if (!entry.shape.equals(block.shape())) {
        throw new BadInputException(
            "Cannot use %s for this model: its tensor %s%s is %s, the model's %s"
                .formatted(path, prefix, block.name(), entry.shape, block.shape()));
      }
    }
  }

  private void read(Entry entry, float[] target, int offset) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(BUFFER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    for (int done = 0; done < entry.size; ) {
      int count = Math.min(entry.size - done, BUFFER_BYTES / Float.BYTES);
      buffer.clear().limit(count * Float.BYTES);
      long position = dataOffset + entry.begin + (long) done * Float.BYTES;
      Channels.readFully(channel, position, buffer, path);
      buffer.flip().asFloatBuffer().get(target, offset + done, count);
      done += count;
    }
  }

  private Entry entry(String name) throws CorruptFileException {
    Entry entry = entries.get(name);
    if (entry == null) {
      throw new CorruptFileException("Cannot read %s: no tensor %s in it".formatted(path, name));
    }
    return entry;
  }
}
