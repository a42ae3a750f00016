import type { Words } from './words.ts';

export const tr: Words = {
  title: 'Sohbet için bir aktarıcı',
  intro:
    'Bu bir aktarıcıdır (relay): ağı bir sohbet hizmetini engelleyen kişiler için şifreli mesajları o hizmete iletir. Onu bir gönüllü, özgür Puente (“köprü”) programıyla çalıştırır; size bir maliyeti yoktur. Mesajları okuyamaz ve onu kimin kullandığına dair hiçbir kayıt tutmaz.',
  languages: 'Diller',

  link: {
    heading: 'Link',
    link: 'Puente’yi destekleyen bir uygulama için. Bu linkte aktarıcının anahtarı vardır; uygulama, kimsenin aktarıcının yerine geçmediğini bu anahtardan anlar.',
    address: 'Yalnızca adres, daha fazlasını istemeyen bir uygulama için. Mümkünse linki kullanın.',
    copyLink: 'Linki kopyala',
    copyAddress: 'Adresi kopyala',
    qrTitle: 'QR kodu',
    qr: 'Linkin QR kodu, başka bir cihazla taramak için.',
  },

  check: {
    heading: 'Burada çalışıyor mu?',
    asks: 'Denetim bu tarayıcıdan başlayarak bütün yolu gider: aktarıcıya ve onun üzerinden sohbet hizmetine; hizmetin kendi yanıtı gelmelidir. Hiçbir hesaba giriş yapmaz. Sorduğu sunucu:',
    asksRelay:
      'Denetim bu tarayıcıdan aktarıcıya gider ve 64 KiB veriyi gönderip geri alır. Sohbet hizmetini denemez: bu aktarıcının listesinde, soran herkese yanıt veren bir hizmet yoktur.',
    start: 'Şimdi denetle',
    needsScript: 'Denetim için JavaScript gerekir. Bu sayfadaki diğer her şey onsuz da çalışır.',
    stages: {
      hello: 'Bu tarayıcı aktarıcıya ulaşıyor',
      grant: 'Aktarıcı onu kabul ediyor',
      backend: 'Aktarıcı sohbet hizmetine ulaşıyor',
      answer: 'Sohbet hizmeti yanıt veriyor',
      bulk: '64 KiB gidip geliyor',
    },
    running: 'Denetleniyor. Bir iki saniye, bir sorun varsa 20 saniyeye kadar sürer.',
    works: 'Çalışıyor. Sohbet hizmetinin yanıtı {time} içinde geldi.',
    reached: 'Aktarıcı çalışıyor. Yanıtı {time} içinde geldi.',
    remarks: {
      limited: {
        says: 'Ağın çok veri geçirip geçirmediği denenmedi: aktarıcı buna dakikada bir kez izin verir.',
        next: 'Bunu da denemek için bir dakika sonra yeniden denetleyin.',
      },
      version: {
        says: 'Ağın çok veri geçirip geçirmediği denenmedi: aktarıcının sürümü buna elverişli değil.',
        next: 'Bu sayfayı yeniden yükleyin.',
      },
    },
    failed: 'Çalışmıyor:',
    states: { ok: 'tamam', failed: 'başarısız' },
    copied: 'Kopyalandı.',
  },

  failures: {
    unreachable: {
      says: 'Aktarıcıya ulaşılamadı.',
      next: 'Başka sitelerin açılıp açılmadığına bakın. Açılıyorsa bu ağ aktarıcıyı engelliyor gibi görünüyor: başka bir adres deneyin.',
    },
    timeout: { says: 'Aktarıcı zamanında bir oturum açmadı.', next: 'Başka bir aktarıcı deneyin.' },
    'carrier-lost': {
      says: 'Aktarıcıyla bağlantı koptu.',
      next: 'Yeniden deneyin; değişmezse başka bir aktarıcı deneyin.',
    },
    'bad-grant': {
      says: 'Gelen yanıt, bu aktarıcının anahtarına sahip olanın verebileceği bir yanıt değil.',
      next: 'Bu adresi kullanmayın: aktarıcının yerine başkası yanıt veriyor.',
    },
    'wrong-key': {
      says: 'Aktarıcının anahtarı bu linktekinden farklı.',
      next: 'Bu sayfayı yeniden yükleyin ve o zaman gösterdiği linki kullanın.',
    },
    frozen: {
      says: 'Ağ, aktarıcıyla kurulan her bağlantıyı biraz veri geçtikten sonra durduruyor.',
      next: 'Puente bundan önce yeni bir bağlantıya geçer: sohbet çalışır, resimler yavaş gelir. Başka bir adres daha hızlı olabilir.',
    },
    idle: {
      says: 'Denetim çok uzun sürdü: bu ağdan çok az veri geçiyor.',
      next: 'Yeniden deneyin ya da başka bir ağ deneyin.',
    },
    version: { says: 'Aktarıcı, protokolün bu sürümünü konuşmuyor.', next: 'Bu sayfayı yeniden yükleyin.' },
    full: { says: 'Aktarıcıda yeni bir oturum için yer yok.', next: 'Başka bir aktarıcı deneyin.' },
    limited: {
      says: 'Son bir dakikada buradan çok fazla deneme yapıldı ya da çok fazla hata oldu.',
      next: 'Bir dakika sonra yeniden deneyin.',
    },
    'session-unknown': { says: 'Bu oturum artık aktarıcıda yok.', next: 'Yeniden deneyin.' },
    'backend-not-allowed': {
      says: 'Aktarıcı bu sohbet hizmetine bağlantı taşımıyor.',
      next: 'Bu sayfayı yeniden yükleyin ya da bu hizmete yönelik bir aktarıcı kullanın.',
    },
    'backend-down': {
      says: 'Aktarıcı çalışıyor, ancak sohbet hizmetine bağlanamıyor.',
      next: 'Bir dakika sonra yeniden, ardından başka bir aktarıcıyla deneyin: hizmet çalışmıyor ya da bu aktarıcıyı reddediyor olabilir.',
    },
    'backend-silent': {
      says: 'Sohbet hizmeti bağlantıyı kabul etti ve hiçbir yanıt vermedi.',
      next: 'Bir dakika sonra yeniden, ardından başka bir aktarıcıyla deneyin: hizmet çalışmıyor ya da bu aktarıcıyı yok sayıyor olabilir.',
    },
    'backend-strange': {
      says: 'Sohbet hizmetinin yerine yanıt veren, onun dilini konuşmuyor.',
      next: 'Aktarıcıyı çalıştırana haber verin.',
    },
    'backend-reset': { says: 'Sohbet hizmeti bağlantıyı kesti.', next: 'Yeniden deneyin.' },
  },

  use: {
    heading: 'Nasıl kullanılır',
    honest:
      'WhatsApp’ın kendi uygulaması bu adresi tek başına kabul etmez: proxy ayarı başka türden bir sunucu bekler. İki yol vardır.',
    speaking: {
      heading: 'Puente’yi destekleyen bir uygulamada',
      before: [
        'Yukarıdaki linki kopyalayın ya da QR kodunu tarayın.',
        'Uygulamada Ayarlar → Depolama ve veriler → Proxy (Settings → Storage and data → Proxy) bölümünü açın. Bazı uygulamalarda başka bir yerdedir.',
        'Linki yapıştırın, kaydedin ve yeşil onay işaretini bekleyin.',
      ],
      after: [],
      note: 'Kırmızı kalırsa uygulama nedenini ve ne yapılacağını söyler.',
    },
    gateway: {
      heading: 'Olduğu gibi WhatsApp’ta, bir bilgisayarla',
      before: [
        'Telefonla aynı ağda, Linux, macOS ya da WSL bulunan bir bilgisayar alın ve üzerine Puente’yi kurun: nasıl yapılacağı README dosyasında yazar.',
        'Klasöründe şu komutu çalıştırın. Telefona ne yazılacağını gösterir.',
      ],
      after: [
        'Telefonda WhatsApp’ın Ayarlar → Depolama ve veriler → Proxy → Proxy ayarla (Settings → Storage and data → Proxy → Set proxy) bölümünü açın. Gösterileni sohbet ve medya bağlantı noktalarıyla (port) birlikte yazın, kaydedin ve yeşil onay işaretini bekleyin.',
      ],
      note: 'Aramalar taşınmaz. Komut çalıştığı sürece o ağdaki herkes bilgisayarın portlarını kullanabilir. Bu henüz bir telefonla denenmedi.',
    },
    forward: {
      heading: 'Proxy ayarı olan herhangi bir uygulamada, bir bilgisayarla',
      before: [
        'Linux, macOS ya da WSL bulunan bir bilgisayar alın ve üzerine Puente’yi kurun: nasıl yapılacağı README dosyasında yazar.',
        'Klasöründe şu komutu çalıştırın.',
      ],
      after: ['Uygulamada bir SOCKS5 proxy ayarlayın: sunucu 127.0.0.1, port 1080, parola yok.'],
      note: 'Aktarıcının listesindeki sohbet hizmetlerine gider, başka hiçbir yere gitmez.',
    },
  },

  sees: {
    heading: 'Kim neyi görebilir',
    cannot: {
      heading: 'Gönüllü bunları göremez',
      items: [
        'ne yazdığınızı, gönderdiğinizi ya da aldığınızı',
        'kiminle sohbet ettiğinizi',
        'hesabınızı, telefon numaranızı ya da parolanızı',
        'adresinizi (IP) ve ne zaman burada olduğunuzu: aktarıcı hiçbir şey yazmaz',
      ],
    },
    can: {
      heading: 'Görülebilenler',
      items: [
        'Gönüllü, aktarıcının toplamda ne kadar kullanıldığını görür.',
        'Aktarıcının programını çalıştıran Cloudflare; adresinizi, hangi sohbet hizmetine bağlanıldığını, ne zaman ve ne kadar olduğunu görür.',
        'Ağınız; bu adrese bağlandığınızı, ne zaman ve ne kadar olduğunu görür.',
        'Sohbet hizmeti, hesabınızla ilgili her zaman gördüğünü görür, ama adresinizi görmez.',
      ],
    },
    plain:
      'Bu aktarıcı, şifresiz mesaj kabul eden sohbet hizmetlerine de gider. Bir uygulamanın onlara bu şekilde gönderdiğini gönüllü okuyabilir.',
    note: 'Bunlar, yayımlandığı haliyle Puente için geçerlidir. Bir gönüllü onun yerine başka bir şey çalıştırabilir; o bile uygulamanın kendisinin şifrelediğini okuyamaz.',
  },

  counts: {
    heading: 'Ne kadar kullanılıyor',
    period: 'Sayılan süre',
    sessions: 'Taşınan oturumlar',
    bytes: 'Taşınan veri',
    refused: 'Reddedilen oturumlar',
    about: 'Bunlar toplamlardır. Hiç kimse için ayrı bir sayım yapılmaz.',
  },
};
