package org.sparkrnn.driver.storage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.hdfs.MiniDFSCluster;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.sparkrnn.common.corpus.CorpusReader;
import org.sparkrnn.common.corpus.TokenReader;
import org.sparkrnn.common.corpus.Unit;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.common.storage.FileEntry;
import org.sparkrnn.driver.SparkTestCluster;
import org.sparkrnn.driver.SparkTestCluster.Serialization;
import org.sparkrnn.driver.tokenize.TokenizeJob;
import org.sparkrnn.driver.tokenize.TokenizeRequest;

/** A name node and a data node in this JVM. */
@Timeout(240)
class HdfsTest {
  @TempDir static Path temporary;

  private static MiniDFSCluster hdfs;
  private static HadoopFiles files;
  private static String root;

  @BeforeAll
  static void startHdfs() throws IOException {
    Configuration configuration = new Configuration();
    configuration.set(MiniDFSCluster.HDFS_MINIDFS_BASEDIR, temporary.toString());
    hdfs = new MiniDFSCluster.Builder(configuration).numDataNodes(1).build();
    root = hdfs.getURI() + "/test";
    files = new HadoopFiles(new Configuration());
  }

  @AfterAll
  static void stopHdfs() {
    hdfs.shutdown();
  }

  @Test
  void filesAreWrittenListedReadAndDeleted() throws IOException {
    String path = root + "/files/deep/text";
    write(path, "first");
    write(path, "hello world");
    try (SeekableByteChannel channel = files.open(path)) {
      ByteBuffer buffer = ByteBuffer.allocate(5);
      channel.position(6).read(buffer);
      assertThat(new String(buffer.array(), StandardCharsets.UTF_8)).isEqualTo("world");
    }
    assertThat(files.list(root + "/files/deep"))
        .containsExactly(new FileEntry(path, "text", 11, false));
    files.delete(root + "/files");
    files.delete(root + "/files");
    assertThat(files.exists(path)).isFalse();
    assertThatThrownBy(() -> files.open(path)).isInstanceOf(NoSuchFileException.class);
    assertThatThrownBy(() -> files.list(root + "/files")).isInstanceOf(NoSuchFileException.class);
  }

  @Test
  void renamingNeverOverwrites() throws IOException {
    write(root + "/rename/one", "1");
    write(root + "/rename/two", "2");
    assertThatThrownBy(() -> files.renameNoOverwrite(root + "/rename/one", root + "/rename/two"))
        .isInstanceOf(FileAlreadyExistsException.class);
    files.renameNoOverwrite(root + "/rename/one", root + "/rename/three");
    assertThat(files.list(root + "/rename"))
        .extracting(FileEntry::name)
        .containsExactly("three", "two");
    assertThatThrownBy(() -> files.renameNoOverwrite(root + "/rename/one", root + "/rename/four"))
        .isInstanceOf(NoSuchFileException.class);
  }

  @Test
  void textOnHdfsBecomesACorpusOnHdfs() throws IOException {
    write(root + "/in/a.txt", "to be or\n");
    write(root + "/in/b.txt", "not to be");
    // A path without a scheme is on the default file system.
    Map<String, String> settings = Map.of("spark.hadoop.fs.defaultFS", hdfs.getURI().toString());
    try (SparkTestCluster cluster = SparkTestCluster.local(2, Serialization.KRYO, settings)) {
      TokenizeRequest request =
          TokenizeRequest.builder(List.of("/test/in"), Unit.WORD, "/test/corpus").build();
      TokenizeJob.run(cluster.session(), request);
      assertThatThrownBy(() -> TokenizeJob.run(cluster.session(), request))
          .isInstanceOf(BadInputException.class);
      TokenizeJob.run(
          cluster.session(),
          TokenizeRequest.builder(List.of(root + "/in/a.txt"), Unit.WORD, root + "/corpus")
              .append(true)
              .build());
    }
    CorpusReader reader = new CorpusReader(files, root + "/corpus");
    try (TokenReader tokens = reader.tokens("train")) {
      int[] indices = new int[(int) tokens.tokens()];
      tokens.read(0, indices, 0, indices.length);
      StringBuilder text = new StringBuilder();
      for (int index : indices) {
        text.append(reader.vocabulary().token(index)).append(' ');
      }
      assertThat(text.toString()).isEqualTo("to be or <eos> not to be <eos> to be or <eos> ");
    }
    assertThat(files.list(root + "/corpus"))
        .extracting(FileEntry::name)
        .containsExactly("manifest.json", "train", "vocabulary.json");
  }

  private static void write(String path, String text) throws IOException {
    try (OutputStream out = files.create(path)) {
      out.write(text.getBytes(StandardCharsets.UTF_8));
    }
  }
}
