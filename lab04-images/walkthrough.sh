#!/bin/bash
# walkthrough.sh [--unattended] - lab04 told as commands.
#
# shellcheck disable=SC2016,SC2034 # commands are expanded when they run
# shellcheck source=common/walkthrough.bash
source common/walkthrough.bash
need jail lab01
need nsrun lab02
need cgrun lab03
need img lab04
begin
export IMG_STORE=$work/store

# differ A B: two outputs are not the same.
differ() {
  [ "$1" != "$2" ] || wrong 'these should not have been the same'
}

# same A B: but here they are.
same() {
  [ "$1" = "$2" ] || wrong "these should have been the same: $1 | $2"
}

chapter 'Two hosts'

say 'Two servers, oak and elm. Here each is a small root directory. A program is started
on one of them by "jail run". On oak, somebody has installed bash and the GNU tools:'
works 'mkdir oak && jail add oak bash cat wc && ln -s bash oak/bin/sh'
say 'Elm is smaller. It has busybox, and there the same takes other commands.'
works 'mkdir elm && jail add elm busybox && for name in sh cat wc; do ln -s busybox elm/bin/$name; done'
say 'Both serve the same page: one script, and one file.'
works 'mkdir oak/srv && printf "jars   12\nlids    9\ncloths 30\n" > oak/srv/stock'
works 'printf "#!/bin/sh\necho open at {9..12}\nwc /srv/stock\n" > oak/srv/page'
works 'cp -a oak/srv elm/srv && cat oak/srv/page'
works 'jail run oak sh /srv/page'
on_oak=$output
run 'jail run elm sh /srv/page'
differ "$output" "$on_oak"
say 'Nobody has made a mistake, and nothing has failed. But the sh of elm takes {9..12} for
a word, and its wc counts in wider columns. A program is not only its own files.'

chapter 'A year later'

say 'On the day they were set up, somebody has made an image of each. Then nobody looked:
one has mended the page of elm, at night. Oak got a new list, and a copy of the old one.'
works 'img import oak oak:first && img import elm elm:first'
works 'sed -i "s/{9..12}/9 10 11 12/" elm/srv/page'
works 'cp oak/srv/stock oak/srv/stock.old && echo "salt    3" >> oak/srv/stock'
say 'What has drifted? M: modified, A: added, D: deleted.'
fails 'img diff oak:first oak' 1
shows 'M /srv/stock.*A /srv/stock.old'
fails 'img diff elm:first elm' 1
shows 'M /srv/page'
say 'And the two servers have hardly a file in common:'
run 'img diff oak elm | cut -c1 | sort | uniq -c'
shows 'A.*D'

chapter 'An image'

say 'What oak is now becomes an image: all its files, in one archive.'
works 'rm oak/srv/stock.old && img import oak shop && img list'
shows 'shop +[0-9a-f]{12}'
say 'How it is run belongs to it, too.'
works 'img config shop --workdir /srv --cmd "sh /srv/page" --env SHOP=onggi'
works 'img history shop'
say 'The store is a directory. Every file in it is called by what is in it:'
works 'cd store/blobs/sha256 && sha256sum * | cut -c1-16,65-84; cd ../../..'
works 'img verify'

chapter 'The same on both'

say 'It travels as one file. On elm there is another store.'
works 'img save shop shop.tar && ls -l shop.tar | cut -d" " -f5-'
works 'img --store elm-store load shop.tar && img list && img --store elm-store list'
shows 'shop +([0-9a-f]{12}) .*shop +([0-9a-f]{12}) '
same "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}"
say 'The same digest: so the same bytes, whoever has carried them.'
works 'img unpack shop at-oak && img --store elm-store unpack shop at-elm'
works 'img diff at-oak at-elm'
[ -z "$output" ] || wrong 'nothing should differ'
works 'jail run at-oak sh /srv/page | sha256sum'
on_oak=$output
works 'jail run at-elm sh /srv/page | sha256sum'
same "$output" "$on_oak"

chapter 'What you did not make yourself'

say 'An archive says "write this there", and we do not know who wrote it. This one has a
link in its first layer, and a file "through" it in the second.'
works 'mkdir home 1 2 && ln -s $PWD/home 1/data && mkdir 2/data && echo gotcha > 2/data/profile'
works 'tar -C 1 -cf layer1 data && tar -C 2 -cf layer2 data/profile'
say 'tar, one layer after the other:'
works 'mkdir victim && tar -C victim -xf layer1 && tar -C victim -xf layer2; ls home'
shows profile
say 'It landed outside. Now the same as an image.'
works 'rm home/profile && tar -cf both -C 1 data -C ../2 data/profile && img import both trap'
fails 'img unpack trap victim-2' 125
works 'ls home'
[ -z "$output" ] || wrong 'nothing should have come in there'
say 'It was refused, and nothing has landed anywhere.'

chapter 'Layers are shared'

say 'Unpacked once, and mounted twice: two containers of one image.'
works 'mkdir a b && img mount shop a --rw && img mount shop b --rw'
works 'echo "moon    1" >> a/srv/stock && rm a/srv/page && tail -1 a/srv/stock && ls a/srv b/srv'
works 'tail -1 b/srv/stock'
hides moon
say 'What one writes the other never sees. It is in a layer of its own, and all of it is:'
works 'find store/mounts/*/upper -mindepth 1 -printf "%M %P\n" | sort -k2'
shows 'c.* srv/page'
say 'The first letter c is a whiteout: "there is no file page here". What was written can
become a layer of a new image, or be forgotten.'
works 'img commit a shop:moon && img history shop:moon'
works 'img umount a && img umount b && ls store/mounts | wc -l'
shows '^0$'
works 'img mount shop a && ls a/srv && img umount a'
shows page
fails 'img diff shop shop:moon' 1
shows 'D /srv/page.*M /srv/stock'

chapter 'What is still open'

say 'The image knows what to run, and how. Nobody does it.'
works 'img inspect shop | grep -A9 "\"Cmd\""'
say 'We read that, and type it again: mount, a name and a network of its own, memory, the
program, unmount. Five tools in one order, and in another it fails.'
works 'img mount shop a --rw'
if cgrun run true 2>/dev/null; then
  works 'cgrun run --name shop nsrun run --root a --hostname shop --init sh -c "cd /srv && SHOP=onggi exec sh /srv/page"'
else
  works 'nsrun run --root a --hostname shop --init sh -c "cd /srv && SHOP=onggi exec sh /srv/page"'
fi
shows 'open at 9 10 11 12'
works 'img umount a'
say 'In lab05 one program does that for you.'
printf '\n'
