package org.sparkrnn.driver.tokenize;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.driver.storage.HadoopFiles;
import org.sparkrnn.driver.storage.OtherFileSystem;

class InputFileTest {
  private static final HadoopFiles FILES = new HadoopFiles(OtherFileSystem.configuration(true));

  @TempDir Path temporary;

  @BeforeEach
  void writeFiles() throws IOException {
    for (String name :
        List.of(
            "b/2.txt",
            "b/1.txt",
            "b/10.txt",
            "b/deep/er/x.txt",
            "b-c.txt",
            "a.txt",
            "b/.hidden",
            "b/_SUCCESS",
            "b/_temporary/0/part",
            "data[1].txt",
            "with space.txt")) {
      Path file = temporary.resolve(name);
      Files.createDirectories(file.getParent());
      Files.writeString(file, name);
    }
    Files.createDirectories(temporary.resolve("nothing/.git"));
    Files.writeString(temporary.resolve("nothing/.git/config"), "x");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "file://", "other://"})
  void filesAreSortedByPathAndHiddenOnesSkipped(String scheme) throws IOException {
    assertThat(names(scheme, "b"))
        .containsExactly("b/1.txt", "b/10.txt", "b/2.txt", "b/deep/er/x.txt");
    assertThat(names(scheme, "b*"))
        .containsExactly("b-c.txt", "b/1.txt", "b/10.txt", "b/2.txt", "b/deep/er/x.txt");
    assertThat(names(scheme, "{a,b-c}.txt")).containsExactly("a.txt", "b-c.txt");
  }

  @Test
  void inputsKeepTheirOrderAndMayBeNamedThoughHidden() throws IOException {
    assertThat(names("", "b-c.txt", "a.txt", "b/.hidden", "a.txt"))
        .containsExactly("b-c.txt", "a.txt", "b/.hidden", "a.txt");
  }

  @Test
  void aNameWithCharactersOfAPatternIsAName() throws IOException {
    assertThat(names("", "data[1].txt", "with space.txt"))
        .containsExactly("data[1].txt", "with space.txt");
  }

  @Test
  void sizesAreThoseOfTheFiles() throws IOException {
    assertThat(InputFile.list(FILES, List.of(temporary + "/b-c.txt", temporary + "/b")))
        .allSatisfy(file -> assertThat(file.size()).isEqualTo(Files.size(Path.of(file.path()))));
  }

  @ParameterizedTest
  @ValueSource(strings = {"missing.txt", "missing*", "nothing", "missing/file"})
  void whatIsNotThereIsNamed(String name) {
    for (String scheme : List.of("", "other://")) {
      assertThatThrownBy(() -> names(scheme, "a.txt", name))
          .isInstanceOf(BadInputException.class)
          .hasMessageContaining(name)
          .hasMessageNotContaining("a.txt");
    }
  }

  private List<String> names(String scheme, String... inputs) throws IOException {
    String root = scheme + temporary + "/";
    return InputFile.list(FILES, Arrays.stream(inputs).map(input -> root + input).toList()).stream()
        .map(file -> file.path().substring(file.path().indexOf(temporary + "/")))
        .map(path -> path.substring(temporary.toString().length() + 1))
        .toList();
  }
}
