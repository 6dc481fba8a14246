package org.sparkrnn.worker.golden;

import java.io.IOException;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import org.sparkrnn.common.checkpoint.Safetensors;
import org.sparkrnn.common.parameters.ParameterLayout;
import org.sparkrnn.worker.kernel.CellKind;

/** A file that {@code src/test/python/torch_golden.py} made. */
final class TorchGolden implements AutoCloseable {
  private static final Path DIRECTORY = Path.of("src/test/python/golden");

  private final SeekableByteChannel channel;
  private final Safetensors tensors;

  TorchGolden(String name) throws IOException {
    Path path = DIRECTORY.resolve(name + ".safetensors");
    this.channel = Files.newByteChannel(path);
    this.tensors = Safetensors.open(channel, path.toString());
  }

  /** A cell's name in the settings and in the files' names. */
  static String name(CellKind cell) {
    return cell.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  float[] floats(String name) throws IOException {
    return tensors.read(name);
  }

  double[] doubles(String name) throws IOException {
    return doubles(floats(name));
  }

  int[] integers(String name) throws IOException {
    float[] values = floats(name);
    int[] result = new int[values.length];
    for (int i = 0; i < values.length; i++) {
      result[i] = (int) values[i];
    }
    return result;
  }

  /** The blocks of a layout, {@code prefix} before each name, as one vector. */
  float[] vector(String prefix, ParameterLayout layout) throws IOException {
    return tensors.read(prefix, layout);
  }

  static double[] doubles(float[] values) {
    double[] result = new double[values.length];
    for (int i = 0; i < values.length; i++) {
      result[i] = values[i];
    }
    return result;
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
