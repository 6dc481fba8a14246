package org.sparkrnn.common.corpus;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparkrnn.common.corpus.NpyFormat.Header;
import org.sparkrnn.common.errors.CorruptFileException;

class NpyFormatTest {
  @TempDir Path directory;

  private Header read(byte[] bytes) throws IOException {
    Path file = Files.write(directory.resolve("x.npy"), bytes);
    try (SeekableByteChannel channel = Files.newByteChannel(file)) {
      return NpyFormat.read(channel, "x.npy");
    }
  }

  private static byte[] npy(int version, String dictionary, int dataBytes) {
    int prefix = version == 1 ? 10 : 12;
    byte[] bytes = new byte[prefix + dictionary.length() + dataBytes];
    byte[] magic = "\u0093NUMPY".getBytes(ISO_8859_1);
    System.arraycopy(magic, 0, bytes, 0, 6);
    bytes[6] = (byte) version;
    bytes[8] = (byte) dictionary.length();
    bytes[9] = (byte) (dictionary.length() >> 8);
    System.arraycopy(dictionary.getBytes(ISO_8859_1), 0, bytes, prefix, dictionary.length());
    return bytes;
  }

  @Test
  void theHeaderIsTheOneThatNumpyWrites() {
    // The bytes of numpy.save (1.24) for three elements of dtype '<u2'.
    String header = new String(NpyFormat.header(ElementType.UINT16, 3), ISO_8859_1);
    assertThat(header).hasSize(128).startsWith("\u0093NUMPY\u0001\u0000v\u0000").endsWith(" \n");
    assertThat(header.substring(10).strip())
        .isEqualTo("{'descr': '<u2', 'fortran_order': False, 'shape': (3,), }");
  }

  @Test
  void theLongestShapeStillFits() throws IOException {
    byte[] header = NpyFormat.header(ElementType.INT32, 1L << 52);
    assertThat(NpyFormat.parse(header, "x"))
        .isEqualTo(new Header(ElementType.INT32, 1L << 52, 128));
  }

  @Test
  void whatIsWrittenIsRead() throws IOException {
    byte[] file = Arrays.copyOf(NpyFormat.header(ElementType.INT32, 5), 128 + 20);
    assertThat(read(file)).isEqualTo(new Header(ElementType.INT32, 5, 128));
    assertThat(read(NpyFormat.header(ElementType.UINT16, 0)).elements()).isZero();
  }

  @ParameterizedTest
  @CsvSource({"1", "2", "3"})
  void allVersionsAreReadWhateverTheOrderOfKeys(int version) throws IOException {
    String dictionary = "{'shape': (4,), 'fortran_order': True, 'descr': '<u2'}\n";
    Header header = read(npy(version, dictionary, 8));
    assertThat(header.elements()).isEqualTo(4);
    assertThat(header.dataOffset()).isEqualTo((version == 1 ? 10 : 12) + dictionary.length());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{'descr': '<f8', 'fortran_order': False, 'shape': (4,), }|<f8",
        "{'descr': '>u2', 'fortran_order': False, 'shape': (4,), }|>u2",
        "{'descr': '<u2', 'fortran_order': False, 'shape': (2,2), }|one-dimensional",
        "{'descr': '<u2', 'fortran_order': False, 'shape': (), }|one-dimensional",
        "{'descr': '<u2', 'shape': (4,), }|one-dimensional",
        "{'descr': '<u2', 'fortran_order': False, 'shape': (-4,), }|one-dimensional",
        "{'descr': '<u2', 'fortran_order': False, 'shape': (99999999999999999999,), }|one-dim",
        "{'descr': '<i4', 'fortran_order': False, 'shape': (999999999999999999,), }|announces",
        "{'descr': '<u2', 'fortran_order': False, 'shape': (5,), }|announces",
        "garbage|one-dimensional",
      })
  void otherArraysAreRefused(String dictionary, String expected) {
    assertThatThrownBy(() -> read(npy(1, dictionary, 8)))
        .isInstanceOf(CorruptFileException.class)
        .hasMessageContaining("x.npy")
        .hasMessageContaining(expected);
  }

  @Test
  void everyTruncationIsFoundAndNothingIsAllocatedForAHostileLength() {
    byte[] file = Arrays.copyOf(NpyFormat.header(ElementType.UINT16, 4), 136);
    for (int length = 0; length < file.length; length++) {
      byte[] cut = Arrays.copyOf(file, length);
      assertThatThrownBy(() -> read(cut)).isInstanceOf(CorruptFileException.class);
    }
    byte[] hostile = npy(2, "{}", 0);
    Arrays.fill(hostile, 8, 12, (byte) 0xff);
    assertThatThrownBy(() -> read(hostile)).hasMessageContaining("4294967295");
  }
}
