package org.sparkrnn.common.checkpoint;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.common.errors.CorruptFileException;
import org.sparkrnn.common.parameters.ParameterLayout;

class SafetensorsTest {
  @TempDir Path directory;

  private final ParameterLayout layout =
      ParameterLayout.builder()
          .add("rnn.weight_ih_l0", 3, 2)
          .add("output.bias", 2)
          .add("embedding.weight", 300, 300)
          .build();
  private final float[] vector = vector(layout.size());

  private static float[] vector(int size) {
    Random random = new Random(5);
    float[] vector = new float[size];
    for (int i = 0; i < size; i++) {
      vector[i] = (float) random.nextGaussian();
    }
    vector[0] = Float.NaN;
    vector[1] = -0f;
    vector[2] = Float.MIN_VALUE;
    return vector;
  }

  private byte[] written() throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    Safetensors.write(out, layout, vector);
    return out.toByteArray();
  }

  private interface Use {
    float[] apply(Safetensors tensors) throws IOException;
  }

  private float[] open(byte[] bytes, Use use) throws IOException {
    Path file = Files.write(directory.resolve("model.safetensors"), bytes);
    try (SeekableByteChannel channel = Files.newByteChannel(file)) {
      return use.apply(Safetensors.open(channel, "model.safetensors"));
    }
  }

  private static byte[] file(String header, int dataBytes) {
    byte[] json = header.getBytes(UTF_8);
    return ByteBuffer.allocate(8 + json.length + dataBytes)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(json.length)
        .put(json)
        .array();
  }

  @Test
  void theHeaderIsSortedPaddedAndWithoutGaps() throws IOException {
    byte[] bytes = written();
    int length = (int) ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong();
    assertThat(length % 8).isZero();
    assertThat(new String(bytes, 8, length, UTF_8).stripTrailing())
        .isEqualTo(
            "{\"__metadata__\":{\"format\":\"pt\"},"
                + "\"embedding.weight\":{\"data_offsets\":[0,360000],\"dtype\":\"F32\",\"shape\":[300,300]},"
                + "\"output.bias\":{\"data_offsets\":[360000,360008],\"dtype\":\"F32\",\"shape\":[2]},"
                + "\"rnn.weight_ih_l0\":{\"data_offsets\":[360008,360032],\"dtype\":\"F32\",\"shape\":[3,2]}}");
    assertThat(bytes).hasSize(8 + length + 4 * layout.size());
  }

  @Test
  void whatIsWrittenIsReadBitForBit() throws IOException {
    byte[] bytes = written();
    float[] read = open(bytes, tensors -> tensors.read("", layout));
    assertThat(bits(read)).isEqualTo(bits(vector));
    assertThat(open(bytes, tensors -> tensors.read("output.bias")))
        .isEqualTo(new float[] {vector[6], vector[7]});
    assertThat(written()).isEqualTo(bytes);
  }

  private static int[] bits(float[] values) {
    int[] bits = new int[values.length];
    for (int i = 0; i < bits.length; i++) {
      bits[i] = Float.floatToRawIntBits(values[i]);
    }
    return bits;
  }

  @Test
  void vectorsWithPrefixesAndEmptyOnesShareAFile() throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    List<Tensor> tensors = new java.util.ArrayList<>(Tensor.of("momentum.", layout, vector));
    tensors.add(Tensor.of("hidden", new float[0]));
    tensors.add(Tensor.of("moments", new float[] {1, 2, 3}));
    Safetensors.write(out, tensors);
    byte[] bytes = out.toByteArray();
    assertThat(open(bytes, file -> file.read("hidden"))).isEmpty();
    assertThat(open(bytes, file -> file.read("moments"))).containsExactly(1, 2, 3);
    assertThat(bits(open(bytes, file -> file.read("momentum.", layout)))).isEqualTo(bits(vector));
  }

  @Test
  void dataInAnyOrderIsRead() throws IOException {
    byte[] bytes =
        file(
            "{\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
                + "\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[4,8]}}",
            8);
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putFloat(bytes.length - 4, 7f);
    assertThat(open(bytes, tensors -> tensors.read("a"))).containsExactly(7f);
    assertThat(open(bytes, tensors -> tensors.read("b"))).containsExactly(0f);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'F16','shape':[2],'data_offsets':[0,4]|F32",
        "'F32','shape':[2],'data_offsets':[0,4]|data_offsets",
        "'F32','shape':[1],'data_offsets':[4,8]|begins at byte 4",
        "'F32','shape':[1],'data_offsets':[0,4]|8 bytes of data",
        "'F32','shape':[3],'data_offsets':[0,12]|8 bytes of data",
        "'F32','shape':[-2],'data_offsets':[0,8]|shape",
        "'F32','shape':[4294967296,4294967296],'data_offsets':[0,8]|shape",
        "'F32','shape':[65536,65536],'data_offsets':[0,8]|shape",
        "'F32','shape':[2147483647],'data_offsets':[0,8589934588]|8 bytes of data",
        "'F32','shape':[2],'data_offsets':[8,0]|data_offsets",
        "'F32','shape':[2],'data_offsets':[0]|data_offsets",
        "'F32','shape':2,'data_offsets':[0,8]|shape",
        "'F32','data_offsets':[0,8]|shape",
      })
  void headersThatDoNotFitTheFileAreRefused(String tensor, String expected) {
    String header = ("{\"a\":{\"dtype\":" + tensor.replace('\'', '"') + "}}");
    assertThatThrownBy(() -> open(file(header, 8), tensors -> tensors.read("a")))
        .isInstanceOf(CorruptFileException.class)
        .hasMessageContaining("model.safetensors")
        .hasMessageContaining(expected);
  }

  @ParameterizedTest
  @CsvSource({"100000001", "9223372036854775807", "-1", "0", "1", "17"})
  void nothingIsAllocatedForAHostileLength(long length) {
    byte[] bytes = ByteBuffer.allocate(24).order(ByteOrder.LITTLE_ENDIAN).putLong(length).array();
    assertThatThrownBy(() -> open(bytes, tensors -> tensors.read("a")))
        .isInstanceOf(CorruptFileException.class)
        .hasMessageContaining("header");
  }

  @Test
  void everyTruncationIsFound() throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    Safetensors.write(out, List.of(Tensor.of("a", new float[5])));
    byte[] bytes = out.toByteArray();
    for (int length = 0; length < bytes.length; length++) {
      byte[] cut = Arrays.copyOf(bytes, length);
      assertThatThrownBy(() -> open(cut, tensors -> tensors.read("a")))
          .isInstanceOf(CorruptFileException.class);
    }
  }

  @Test
  void aFileOfAnotherModelIsRefusedWithTheTensor() throws IOException {
    byte[] bytes = written();
    ParameterLayout wider =
        ParameterLayout.builder()
            .add("rnn.weight_ih_l0", 3, 4)
            .add("output.bias", 2)
            .add("embedding.weight", 300, 300)
            .build();
    assertThatThrownBy(() -> open(bytes, tensors -> tensors.read("", wider)))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("rnn.weight_ih_l0 is [3, 2], the model's [3, 4]");
    ParameterLayout more = ParameterLayout.builder().add("rnn.weight_ih_l1", 3, 4).build();
    assertThatThrownBy(() -> open(bytes, tensors -> tensors.read("", more)))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("no tensor rnn.weight_ih_l1");
    ParameterLayout fewer = ParameterLayout.builder().add("output.bias", 2).build();
    assertThatThrownBy(() -> open(bytes, tensors -> tensors.read("", fewer)))
        .isInstanceOf(BadInputException.class)
        .hasMessageContaining("the model has no embedding.weight");
  }
}
