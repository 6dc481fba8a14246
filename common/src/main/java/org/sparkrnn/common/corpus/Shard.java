package org.sparkrnn.common.corpus;

import java.io.Serializable;

/**
 * One file of a corpus: a NumPy array of consecutive tokens of a split.
 *
 * @param name path below the corpus, such as {@code train/shard-00000.npy}
 * @param tokens number of elements
 * @param bytes length of the file
 * @param blockChecksums CRC32C of every {@value #BLOCK_BYTES} bytes of the file (the last block is
 *     shorter), eight hexadecimal digits each, one after the other
 */
public record Shard(String name, long tokens, long bytes, String blockChecksums)
    implements Serializable {
  /** Bytes that one checksum covers. */
  public static final int BLOCK_BYTES = 1 << 20;

  static final int DIGITS = 8;

  public Shard {
    if (tokens < 0 || bytes < tokens || blockChecksums.length() != DIGITS * blocks(bytes)) {
      throw new IllegalArgumentException(
          "Cannot describe shard %s: %d tokens, %d bytes, %d digits of checksums"
              .formatted(name, tokens, bytes, blockChecksums.length()));
    }
    for (int i = 0; i < blockChecksums.length(); i++) {
      if ("0123456789abcdef".indexOf(blockChecksums.charAt(i)) < 0) {
        throw new IllegalArgumentException(
            "Cannot describe shard %s: its checksums are not hexadecimal".formatted(name));
      }
    }
  }

  /** Number of blocks that a file of that length has. */
  static long blocks(long bytes) {
    return (bytes + BLOCK_BYTES - 1) / BLOCK_BYTES;
  }

  /** The checksum of a block. */
  int checksum(int block) {
    return Integer.parseUnsignedInt(blockChecksums, block * DIGITS, (block + 1) * DIGITS, 16);
  }

  /** The usual name of a shard. */
  public static String name(String split, int number) {
    return "%s/shard-%05d.npy".formatted(split, number);
  }
}
