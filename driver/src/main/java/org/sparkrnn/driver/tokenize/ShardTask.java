package org.sparkrnn.driver.tokenize;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.util.Iterator;
import java.util.List;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.Function2;
import org.sparkrnn.common.corpus.Shard;
import org.sparkrnn.common.corpus.ShardWriter;
import org.sparkrnn.common.storage.Files;
import org.sparkrnn.driver.storage.HadoopFiles;
import scala.Tuple2;

/**
 * Writes one shard from its sorted chunks, under a name of the attempt that is renamed at the end:
 * all attempts write the same bytes, and the first to end wins.
 */
final class ShardTask
    implements Function2<Integer, Iterator<Tuple2<Long, byte[]>>, Iterator<byte[]>> {
  private final HadoopFiles files;
  private final String corpus;
  private final ShardPlan plan;
  private final int vocabularySize;

  ShardTask(HadoopFiles files, String corpus, ShardPlan plan, int vocabularySize) {
    this.files = files;
    this.corpus = corpus;
    this.plan = plan;
    this.vocabularySize = vocabularySize;
  }

  /**
   * A shard that was written.
   *
   * @param unknown how many of its tokens are not in the vocabulary
   */
  record Written(int number, Shard shard, long unknown) {
    byte[] toBytes() throws IOException {
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      try (DataOutputStream out = new DataOutputStream(bytes)) {
        out.writeInt(number);
        out.writeLong(unknown);
        out.writeUTF(shard.name());
        out.writeLong(shard.tokens());
        out.writeLong(shard.bytes());
        out.write(shard.blockChecksums().getBytes(StandardCharsets.US_ASCII));
      }
      return bytes.toByteArray();
    }

    static Written of(byte[] bytes) throws IOException {
      try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes))) {
        int number = in.readInt();
        long unknown = in.readLong();
        Shard shard =
            new Shard(
                in.readUTF(),
                in.readLong(),
                in.readLong(),
                new String(in.readAllBytes(), StandardCharsets.US_ASCII));
        return new Written(number, shard, unknown);
      }
    }
  }

  @Override
  public Iterator<byte[]> call(Integer number, Iterator<Tuple2<Long, byte[]>> chunks)
      throws IOException {
    ShardPlan.Planned planned = plan.shards().get(number);
    String attempt = temporaryName(planned.name(), TaskContext.get().taskAttemptId());
    long unknown = 0;
    Shard shard;
    try {
      try (ShardWriter writer =
          new ShardWriter(files, corpus, attempt, vocabularySize, planned.tokens())) {
        long next = planned.firstToken();
        while (chunks.hasNext()) {
          Tuple2<Long, byte[]> chunk = chunks.next();
          if (chunk._1() != next) {
            throw new IllegalStateException(
                "Cannot write %s: expected token %d, got %d"
                    .formatted(planned.name(), next, chunk._1()));
          }
          ByteBuffer tokens = ByteBuffer.wrap(chunk._2());
          unknown += tokens.getInt();
          while (tokens.hasRemaining()) {
            writer.write(tokens.getInt());
            next++;
          }
        }
        shard = writer.finish();
      }
      try {
        files.renameNoOverwrite(Files.join(corpus, attempt), Files.join(corpus, planned.name()));
      } catch (FileAlreadyExistsException e) {
        files.delete(Files.join(corpus, attempt)); // another attempt was faster
      }
    } catch (IOException | RuntimeException e) {
      deleteQuietly(Files.join(corpus, attempt), e);
      throw e;
    }
    Shard named = new Shard(planned.name(), shard.tokens(), shard.bytes(), shard.blockChecksums());
    return List.of(new Written(number, named, unknown).toBytes()).iterator();
  }

  private void deleteQuietly(String path, Exception reason) {
    try {
      files.delete(path);
    } catch (IOException e) {
      reason.addSuppressed(e); // the driver clears the folder
    }
  }

  private static String temporaryName(String name, long attempt) {
    int slash = name.lastIndexOf('/') + 1;
    return name.substring(0, slash) + "_" + name.substring(slash) + "." + attempt;
  }
}
