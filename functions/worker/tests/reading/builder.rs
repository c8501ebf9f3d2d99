//! Makes PDFs, good ones and others.

/// A PDF that is being written, object by object.
#[derive(Default)]
pub struct Builder {
    objects: Vec<Vec<u8>>,
}

/// The number of the first object that is added: the catalog is to be that.
pub const CATALOG: usize = 1;

impl Builder {
    /// Adds an object and returns its number.
    pub fn add(&mut self, body: impl Into<Vec<u8>>) -> usize {
        self.objects.push(body.into());
        self.objects.len()
    }

    /// Adds a stream; `entries` go into its dictionary.
    pub fn stream(&mut self, entries: &str, data: &[u8]) -> usize {
        let mut body = format!("<< {entries} /Length {} >>\nstream\n", data.len()).into_bytes();
        body.extend_from_slice(data);
        body.extend_from_slice(b"\nendstream");
        self.add(body)
    }

    /// The file, with a table of where its objects are.
    pub fn finish(self) -> Vec<u8> {
        self.finish_with("")
    }

    /// The same with more entries in the trailer.
    pub fn finish_with(self, trailer: &str) -> Vec<u8> {
        let mut file = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n".to_vec();
        let mut places = Vec::new();
        for (index, body) in self.objects.iter().enumerate() {
            places.push(file.len());
            file.extend_from_slice(format!("{} 0 obj\n", index + 1).as_bytes());
            file.extend_from_slice(body);
            file.extend_from_slice(b"\nendobj\n");
        }
        let start = file.len();
        let size = places.len() + 1;
        file.extend_from_slice(format!("xref\n0 {size}\n0000000000 65535 f \n").as_bytes());
        for place in places {
            file.extend_from_slice(format!("{place:010} 00000 n \n").as_bytes());
        }
        let end = format!("trailer\n<< /Size {size} /Root {CATALOG} 0 R {trailer} >>\nstartxref\n{start}\n%%EOF\n");
        file.extend_from_slice(end.as_bytes());
        file
    }
}

/// A PDF whose pages show these lines, each page a list of lines.
pub fn pages(pages: &[&[&str]]) -> Vec<u8> {
    let contents: Vec<Vec<u8>> = pages.iter().map(|lines| lines_of(lines)).collect();
    of_contents(&contents, "", |_| HELVETICA.to_owned())
}

/// The font of [`pages`].
const HELVETICA: &str = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>";

/// A PDF with these streams as the contents of its pages, which use the font `/F`.
pub fn of_contents(contents: &[Vec<u8>], entries: &str, font: impl Fn(&mut Builder) -> String) -> Vec<u8> {
    let mut file = Builder::default();
    file.add("<< /Type /Catalog /Pages 2 0 R >>");
    let first = 4;
    let kids: Vec<String> = (0..contents.len())
        .map(|index| format!("{} 0 R", first + 2 * index))
        .collect();
    file.add(format!(
        "<< /Type /Pages /Kids [{}] /Count {} /MediaBox [0 0 595 842] /Resources << /Font << /F 3 0 R >> >> >>",
        kids.join(" "),
        contents.len()
    ));
    // The font may bring objects of its own, which come last.
    let mut own = Builder::default();
    let body = font(&mut own);
    let moved = first + 2 * contents.len() - 1;
    file.add(own.objects.iter().enumerate().fold(body, |body, (index, _)| {
        body.replace(&format!("@{}", index + 1), &format!("{} 0 R", moved + index + 1))
    }));
    for (index, content) in contents.iter().enumerate() {
        let number = first + 2 * index;
        file.add(format!("<< /Type /Page /Parent 2 0 R /Contents {} 0 R >>", number + 1));
        file.stream(entries, content);
    }
    file.objects.extend(own.objects);
    file.finish()
}

/// Draws lines from the top of a page down, in letters of 11 points.
fn lines_of(lines: &[&str]) -> Vec<u8> {
    let mut content = b"BT /F 11 Tf 14 TL 60 780 Td\n".to_vec();
    for line in lines {
        content.push(b'(');
        for c in line.chars() {
            if matches!(c, '(' | ')' | '\\') {
                content.push(b'\\');
            }
            content.push(u8::try_from(u32::from(c)).expect("a letter of western Europe"));
        }
        content.extend_from_slice(b") Tj T*\n");
    }
    content.extend_from_slice(b"ET");
    content
}

/// A font of letters that only a table tells, as for Chinese, Japanese and Korean, with ligatures: the `n`th of
/// `letters` is shown by the code `n`, from 1.
pub fn by_table(file: &mut Builder, letters: &[&str]) -> String {
    let mut table = "/CIDInit /ProcSet findresource begin 12 dict begin begincmap\n\
        /CMapName /T def /CMapType 2 def 1 begincodespacerange <0000> <ffff> endcodespacerange\n"
        .to_owned();
    table.push_str(&format!("{} beginbfchar\n", letters.len()));
    for (index, letter) in letters.iter().enumerate() {
        let units: String = letter.encode_utf16().map(|unit| format!("{unit:04x}")).collect();
        table.push_str(&format!("<{:04x}> <{units}>\n", index + 1));
    }
    table.push_str("endbfchar endcmap end end\n");
    file.stream("", table.as_bytes());
    file.add(
        "<< /Type /Font /Subtype /CIDFontType2 /BaseFont /None /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) \
         /Supplement 0 >> /DW 1000 /FontDescriptor << /Type /FontDescriptor /FontName /None /Flags 4 /FontBBox [0 0 1 1] \
         /ItalicAngle 0 /Ascent 1 /Descent 0 /CapHeight 1 /StemV 1 >> >>",
    );
    "<< /Type /Font /Subtype /Type0 /BaseFont /None /Encoding /Identity-H /DescendantFonts [@2] /ToUnicode @1 >>"
        .to_owned()
}
